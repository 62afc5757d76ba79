using Vernier.Files;
using Vernier.Kernels;

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
        return layout.Read(PackedArrays.Find(checkpoint, name, layout));
    }

    /// <summary>Reads the arrays of one matrix into the order of the machine's kernels.</summary>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="name">The name of the matrix.</param>
    /// <param name="layout">How it is stored.</param>
    /// <param name="outliers">Receives what is to be added to some weights, or null.</param>
    /// <returns>Null where no integer kernel serves the matrix.</returns>
    /// <exception cref="InvalidFileException">An array is missing, of another type or shape, or holds what no writer writes.</exception>
    public static IPreparedMatrix? Prepare(Checkpoint checkpoint, string name, PackedLayout layout, out Outliers? outliers)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(layout);
        return layout.Prepare(PackedArrays.Find(checkpoint, name, layout), out outliers);
    }
}
