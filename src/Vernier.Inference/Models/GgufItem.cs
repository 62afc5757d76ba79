using Vernier.Files;
using Vernier.Files.Gguf;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Models;

/// <summary>A tensor on its way into a GGUF file.</summary>
/// <param name="Source">The tensor in the Hugging Face checkpoint.</param>
/// <param name="Info">The tensor in the file.</param>
/// <param name="Rows">The order of its rows in the file; null where it is that of the checkpoint.</param>
/// <param name="Numbers">What its numbers are in the file.</param>
/// <param name="Part">Which part of the tensor in the file it is, of several that follow each other.</param>
internal sealed record GgufItem(TensorInfo Source, GgufTensor Info, GgufRows? Rows, GgufNumbers Numbers, int Part)
{
    private const int PieceNumbers = 1 << 20;

    /// <summary>The numbers of a row. A vector of a projection is a column: its numbers go with the rows.</summary>
    public int Columns { get; } = checked((int)(Info.Shape.Count == 1 ? 1 : Info.Columns));

    /// <summary>The rows.</summary>
    public long RowCount => Source.Count / Columns;

    /// <summary>The bytes of a row in the file.</summary>
    public int RowBytes => checked((int)(Info.Bytes / (Info.Count / Columns)));

    /// <summary>Its bytes in the file.</summary>
    public long Bytes => RowCount * RowBytes;

    /// <summary>Where it begins in the tensor of the file.</summary>
    public long FirstByte => Part * Bytes;

    /// <summary>The rows of a piece.</summary>
    public int RowsTogether => (int)Math.Min(RowCount, Math.Max(1, PieceNumbers / Columns));

    /// <summary>The row of the checkpoint that is a row of the file.</summary>
    public long SourceRow(long row) => Rows?.InHf(row) ?? row;
}
