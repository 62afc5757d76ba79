using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files;

namespace Vernier.Packing.Vectors;

/// <summary>
/// Vector quantization: d consecutive columns of a row share an index into a codebook of 2^b vectors of d integers of 8 bits. A codebook
/// serves a rectangle of rows
/// and columns; the rectangles cover the matrix from its first row and column on, those at its ends cut short.
/// <para>A weight is unit * scale[book] * 2^(-step * block code) * entry[book][index][column mod d], the term of the block only where there
/// are block scales.
/// Bits per weight of a matrix that its rectangles divide: b/d + (8 d 2^b + 16) / l + 4 / block columns, with l weights to a
/// codebook.</para>
/// </summary>
/// <param name="Rows">Output channels, at least 1.</param>
/// <param name="Columns">Input channels, at least 1. Where they are no multiple of d, the last vector of a row is cut short.</param>
/// <param name="Dimension">d: 1, 2 or 4.</param>
/// <param name="IndexBits">b, 2 to 8.</param>
/// <param name="BookRows">The rows of a codebook: a multiple of 16, or all.</param>
/// <param name="BookColumns">The columns of a codebook: a multiple of 4 d, or all.</param>
public sealed record VectorLayout(int Rows, int Columns, int Dimension, int IndexBits, int BookRows, int BookColumns)
    : PackedLayout(Rows, Columns)
{
    /// <summary>The rows that a codebook holds a multiple of, where it does not hold all.</summary>
    public const int RowStep = 16;

    /// <summary>The vectors that a codebook holds a multiple of in a row, where it does not hold the whole row.</summary>
    public const int VectorStep = 4;

    /// <summary>The bits of a block's code.</summary>
    public const int BlockBits = 4;

    /// <summary>The name of the layout.</summary>
    internal const string Name = "vector";

    /// <summary>
    /// The columns of a row that share a block scale, a multiple of 4 d that divides <see cref="BookColumns"/>, or as many as it; 0 where
    /// there are no block scales.
    /// </summary>
    public int BlockColumns { get; init; }

    /// <summary>
    /// Where it is above 0, codebooks are stored as the product of coefficients, [books, rank], and a basis that all share, [rank, 2^b]; at
    /// most 2^b, and only of one
    /// dimension.
    /// </summary>
    public int BookRank { get; init; }

    /// <inheritdoc/>
    public override string Kind => Name;

    /// <summary>b / d.</summary>
    public override double CodeBits => (double)IndexBits / Dimension;

    /// <inheritdoc/>
    public override string Summary => $"{CodeBits} bits, vectors of {Dimension}, codebooks of {BookRows} x {BookColumns}"
        + (BlockColumns > 0 ? $", blocks of {BlockColumns}" : "") + (BookRank > 0 ? $", rank {BookRank}" : "");

    /// <inheritdoc/>
    public override int GroupColumns => BookColumns < Columns ? BookColumns : 0;

    /// <summary>The vectors of a codebook: 2^b.</summary>
    public int Entries => 1 << IndexBits;

    /// <summary>The vectors of a row: columns / d, rounded up.</summary>
    public int Vectors => (int)(((long)Columns + Dimension - 1) / Dimension);

    /// <summary>The codebooks side by side.</summary>
    public int BooksAcross => (int)(((long)Columns + BookColumns - 1) / BookColumns);

    /// <summary>The codebooks of the matrix.</summary>
    public int Books => checked((int)(((long)Rows + BookRows - 1) / BookRows * BooksAcross));

    /// <summary>The block scales of a row.</summary>
    public int Blocks => BlockColumns == 0 ? 0 : (int)(((long)Columns + BlockColumns - 1) / BlockColumns);

    /// <summary>The bytes of a packed row of indices.</summary>
    public int BytesPerRow => checked((int)CodePacking.BytesPerRow(Vectors, IndexBits));

    /// <summary>The bytes of a packed row of block codes.</summary>
    public int BlockBytesPerRow => checked((int)CodePacking.BytesPerRow(Blocks, BlockBits));

    /// <summary>The codebook of a weight.</summary>
    public int BookOf(int row, int column) => row / BookRows * BooksAcross + column / BookColumns;

    /// <summary>
    /// The arrays of the codes of the matrix <paramref name="name"/>, in the order in which they are stored:
    /// <list type="bullet">
    /// <item><c>name.units</c>, F32 [1] or [2]: the unit, a power of two, and with block scales the step of their codes.</item>
    /// <item><c>name.codebooks</c>, I8 [books, 2^b, d]: the entries; or, where there is a rank, I8 [books, rank]: the coefficients.</item>
    /// <item><c>name.basis</c>, I8 [rank, 2^b]; only where there is a rank. An entry is the sum of coefficient times basis, divided by 127,
    /// rounded to the nearest
    /// integer, and held within -127 .. 127.</item>
    /// <item><c>name.scales</c>, F16 [books].</item>
    /// <item><c>name.blocks</c>, U8 [rows, packed bytes]: the block codes, of 4 bits each; only with block scales.</item>
    /// <item><c>name.codes</c>, U8 [rows, packed bytes]: the indices.</item>
    /// </list>
    /// </summary>
    protected override IEnumerable<TensorInfo> CodeArrays(string name)
    {
        yield return new($"{name}.units", ElementType.F32, [BlockColumns > 0 ? 2 : 1]);
        yield return new($"{name}.codebooks", ElementType.I8, BookRank > 0 ? [Books, BookRank] : [Books, Entries, Dimension]);
        if (BookRank > 0)
            yield return new($"{name}.basis", ElementType.I8, [BookRank, Entries]);
        yield return new($"{name}.scales", ElementType.F16, [Books]);
        if (BlockColumns > 0)
            yield return new($"{name}.blocks", ElementType.U8, [Rows, BlockBytesPerRow]);
        yield return new($"{name}.codes", ElementType.U8, [Rows, BytesPerRow]);
    }

    /// <inheritdoc/>
    public override void Describe(JsonObject entry)
    {
        entry["dimension"] = Dimension;
        entry["index_bits"] = IndexBits;
        entry["book_rows"] = BookRows;
        entry["book_columns"] = BookColumns;
        if (BlockColumns > 0)
            entry["block_columns"] = BlockColumns;
        if (BookRank > 0)
            entry["book_rank"] = BookRank;
    }

    /// <summary>What is wrong with the sizes, or null.</summary>
    internal string? Problem =>
        Dimension is not (1 or 2 or 4) ? "'dimension' is not 1, 2 or 4"
        : IndexBits is < 2 or > 8 ? "'index_bits' is not from 2 to 8"
        : BookRows != Rows && (BookRows < 1 || BookRows > Rows || BookRows % RowStep != 0)
            ? $"'book_rows' is neither a multiple of {RowStep} nor all rows"
        : BookColumns != Columns && (BookColumns < 1 || BookColumns > Columns || BookColumns % (VectorStep * Dimension) != 0)
            ? $"'book_columns' is neither a multiple of {VectorStep * Dimension} nor all columns"
        : BlockColumns != 0 && BlockColumns != BookColumns
            && (BlockColumns < 1 || BlockColumns % (VectorStep * Dimension) != 0 || BookColumns % BlockColumns != 0)
            ? $"'block_columns' is no multiple of {VectorStep * Dimension} that divides 'book_columns'"
        : BookRank != 0 && (Dimension != 1 || BookRank < 1 || BookRank > Entries)
            ? "'book_rank' is above the number of entries, or the codebooks are of more than one dimension"
        : null;

    /// <summary>Reads the layout from its entry in <c>quantization_config</c>.</summary>
    /// <exception cref="InvalidFileException">The entry is malformed.</exception>
    internal static VectorLayout Parse(LayoutEntry entry)
    {
        var layout = new VectorLayout(entry.Rows, entry.Columns, entry.Integer("dimension", 1, 4), entry.Integer("index_bits", 2, 8),
            entry.Integer("book_rows", 1, entry.Rows), entry.Integer("book_columns", 1, entry.Columns))
        {
            BlockColumns = entry.Integer("block_columns", 1, entry.Columns, 0),
            BookRank = entry.Integer("book_rank", 1, 256, 0),
        };
        return layout.Problem is string problem ? throw entry.Invalid(problem) : layout;
    }

    /// <inheritdoc/>
    public override PackedMatrix Read(PackedArrays arrays)
    {
        float[] units = arrays.Read<float>("units");
        var parts = new VectorParts(units[0], arrays.Read<sbyte>("codebooks"), arrays.Scales("scales"))
        {
            Basis = BookRank > 0 ? arrays.Read<sbyte>("basis") : [],
            BlockStep = BlockColumns > 0 ? units[1] : 0,
            Blocks = BlockColumns > 0 ? arrays.Read<byte>("blocks") : [],
        };
        var codes = GC.AllocateUninitializedArray<byte>(checked(Rows * BytesPerRow));
        arrays.ReadOnce("codes", 0, codes);
        try
        {
            parts.Check();
        }
        catch (ArgumentException e)
        {
            throw arrays.Invalid("units", "packed-units", e.Message, e);
        }
        return new VectorMatrix(this, parts, codes, arrays.Outliers(this, units[0]));
    }
}
