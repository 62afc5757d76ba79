using Vernier.Files;
using Vernier.Files.Gguf;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Models;

/// <summary>A tensor on its way into a GGUF file.</summary>
/// <param name="Source">The tensor in the Hugging Face checkpoint.</param>
/// <param name="Info">The tensor in the file.</param>
/// <param name="HeadSize">The size of the heads by which its rows are reordered; 0 where they stay.</param>
internal sealed record GgufItem(TensorInfo Source, GgufTensor Info, int HeadSize)
{
    private const int PieceNumbers = 1 << 20;

    /// <summary>The numbers of a row. A vector of a projection is a column: its numbers go with the rows.</summary>
    public int Columns { get; } = checked((int)(Info.Shape.Count == 1 ? 1 : Info.Columns));

    /// <summary>The rows.</summary>
    public long Rows => Source.Count / Columns;

    /// <summary>The bytes of a row in the file.</summary>
    public int RowBytes => checked((int)(Info.Bytes / Rows));

    /// <summary>The rows of a piece.</summary>
    public int RowsTogether => (int)Math.Min(Rows, Math.Max(1, PieceNumbers / Columns));

    /// <summary>The row of the checkpoint that is a row of the file.</summary>
    public long SourceRow(long row) => HeadSize == 0 ? row : RotaryRows.InHf(row, HeadSize);
}
