using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Vectors;

namespace Vernier.Quantization.Solvers.Vectors;

/// <summary>Codebooks and indices of a matrix while it is being solved, one byte an index; the weights are normalised.</summary>
/// <param name="layout">How the result is stored.</param>
/// <param name="blockStep">A block of code c is scaled by 2^(-step c); 0 where there are no block scales.</param>
/// <param name="workers">Who decodes; null for all processors.</param>
internal sealed class VectorSolution(VectorLayout layout, float blockStep, Workers? workers = null)
    : MatrixSolution(layout.Rows, layout.Columns, workers)
{
    private readonly float[] _blockScales = [.. Enumerable.Range(0, 1 << VectorLayout.BlockBits)
        .Select(code => VectorMatrix.BlockScale(blockStep, code))];

    /// <summary>What an entry of 1 stands for at scale 1, among weights of at most 1.</summary>
    public const float Unit = 1f / 128;

    /// <summary>The largest entry.</summary>
    public const int LargestEntry = 127;

    /// <summary>How the result is stored.</summary>
    public VectorLayout Layout => layout;

    /// <summary>The indices, R x vectors row by row.</summary>
    public byte[] Codes { get; } = new byte[checked(layout.Rows * layout.Vectors)];

    /// <summary>[books, 2^b, d].</summary>
    public sbyte[] Entries { get; } = new sbyte[checked(layout.Books * layout.Entries * layout.Dimension)];

    /// <summary>The scale of each codebook.</summary>
    public Half[] Scales { get; } = new Half[layout.Books];

    /// <summary>The code of each block, R x blocks row by row.</summary>
    public byte[] Blocks { get; } = new byte[checked(layout.Rows * layout.Blocks)];

    /// <summary>A block of code c is scaled by 2^(-step c).</summary>
    public float BlockStep => blockStep;

    /// <summary>Codebooks as a product; null where they are stored as they are, or not yet brought into that form.</summary>
    public CodebookProduct? Product { get; set; }

    /// <summary>The numbers of a codebook: 2^b d.</summary>
    public int BookLength => layout.Entries * layout.Dimension;

    /// <summary>The entries of a codebook.</summary>
    public Span<sbyte> Book(int book) => Entries.AsSpan(book * BookLength, BookLength);

    /// <summary>What an entry of 1 of a codebook stands for, without block scales.</summary>
    public float Factor(int book) => (float)Scales[book] * Unit;

    /// <summary>What a block of a row is scaled by; 1 where there are none.</summary>
    public float BlockScale(int row, int column) =>
        layout.BlockColumns == 0 ? 1 : _blockScales[Blocks[row * layout.Blocks + column / layout.BlockColumns]];

    /// <inheritdoc/>
    public override VectorSolution Copy()
    {
        var copy = new VectorSolution(layout, blockStep, Workers) { Product = Product?.Copy() };
        Codes.CopyTo(copy.Codes, 0);
        Entries.CopyTo(copy.Entries, 0);
        Scales.CopyTo(copy.Scales, 0);
        Blocks.CopyTo(copy.Blocks, 0);
        return copy;
    }

    /// <summary>Stores a codebook: its largest number becomes the largest entry.</summary>
    /// <param name="book">The codebook.</param>
    /// <param name="vectors">[2^b, d].</param>
    public void Keep(int book, ReadOnlySpan<float> vectors)
    {
        float largest = 0;
        foreach (float number in vectors)
            largest = Math.Max(largest, Math.Abs(number));
        Scales[book] = (Half)Math.Min(largest / (LargestEntry * Unit), (float)Half.MaxValue);
        float factor = Factor(book);
        Span<sbyte> entries = Book(book);
        for (int i = 0; i < entries.Length; i++)
            entries[i] = factor == 0 ? (sbyte)0 : (sbyte)Math.Clamp(MathF.Round(vectors[i] / factor), -LargestEntry, LargestEntry);
    }

    /// <summary>Takes consecutive codebooks from a solution with the same indices.</summary>
    /// <param name="other">The other solution.</param>
    /// <param name="first">The first codebook.</param>
    /// <param name="count">The codebooks.</param>
    public void Take(VectorSolution other, int first, int count)
    {
        other.Scales.AsSpan(first, count).CopyTo(Scales.AsSpan(first));
        other.Entries.AsSpan(first * BookLength, count * BookLength).CopyTo(Entries.AsSpan(first * BookLength));
        int rank = layout.BookRank;
        if (Product is not null)
            other.Product!.Coefficients.AsSpan(first * rank, count * rank).CopyTo(Product.Coefficients.AsSpan(first * rank));
    }

    /// <summary>A codebook in single precision, without block scales.</summary>
    /// <param name="book">The codebook.</param>
    /// <param name="vectors">Receives [2^b, d].</param>
    public void Read(int book, Span<float> vectors)
    {
        float factor = Factor(book);
        Span<sbyte> entries = Book(book);
        for (int i = 0; i < entries.Length; i++)
            vectors[i] = factor * entries[i];
    }

    /// <inheritdoc/>
    /// <remarks>By the same arithmetic as <see cref="VectorMatrix"/>.</remarks>
    public override void DecodeRow(int row, Span<float> weights)
    {
        int d = layout.Dimension, piece = layout.BlockColumns > 0 ? layout.BlockColumns : layout.BookColumns;
        for (int first = 0; first < layout.Columns; first += piece)
        {
            int book = layout.BookOf(row, first), end = Math.Min(layout.Columns, first + piece);
            float scale = (float)Scales[book] * BlockScale(row, first);
            ReadOnlySpan<sbyte> entries = Book(book);
            for (int column = first; column < end; column++)
                weights[column] = scale * (Unit * entries[Codes[row * layout.Vectors + column / d] * d + column % d]);
        }
    }

    /// <inheritdoc/>
    public override void KeepZeros(ReadOnlySpan<float> weights) => ZeroRows.Keep(this, weights);

    /// <inheritdoc/>
    public override VectorMatrix Pack(int shift, Packing.Outliers? outliers = null)
    {
        var codes = new byte[checked(layout.Rows * layout.BytesPerRow)];
        var blocks = new byte[checked(layout.Rows * layout.BlockBytesPerRow)];
        for (int row = 0; row < layout.Rows; row++)
        {
            CodePacking.Pack(Codes.AsSpan(row * layout.Vectors, layout.Vectors), layout.IndexBits,
                codes.AsSpan(row * layout.BytesPerRow, layout.BytesPerRow));
            if (layout.Blocks > 0)
                CodePacking.Pack(Blocks.AsSpan(row * layout.Blocks, layout.Blocks), VectorLayout.BlockBits,
                    blocks.AsSpan(row * layout.BlockBytesPerRow, layout.BlockBytesPerRow));
        }
        var parts = new VectorParts(MathF.ScaleB(Unit, shift), Product?.Coefficients ?? Entries, Scales) {
            Basis = Product?.Basis ?? [], BlockStep = blockStep, Blocks = blocks };
        return new VectorMatrix(layout, parts, codes);
    }
}
