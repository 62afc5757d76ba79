using Vernier.Errors;
using Vernier.Files.Checkpoints;

namespace Vernier.Packing;

/// <summary>Reads packed matrices of any layout from a checkpoint.</summary>
public static class PackedMatrixReader
{
    /// <summary>Reads the arrays of one matrix.</summary>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="name">The name of the matrix.</param>
    /// <param name="layout">How it is stored.</param>
    /// <exception cref="InvalidFileException">An array is missing, of another type or shape, or holds what no writer writes.</exception>
    public static PackedMatrix Read(Checkpoint checkpoint, string name, PackedLayout layout)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(layout);
        var arrays = PackedArrays.Find(checkpoint, name, layout);
        PackedMatrix matrix = layout.Read(arrays);
        if (arrays.LowRank(layout) is LowRank lowRank)
            matrix.Add(lowRank);
        return matrix;
    }
}
