using System.Runtime.InteropServices;
using Vernier.Memory;

namespace Vernier.Packing.Vectors;

/// <summary>What the indices of a <see cref="VectorMatrix"/> are read with.</summary>
/// <param name="unit">What an entry of 1 stands for at scale 1: a positive power of two.</param>
/// <param name="codebooks">[books, 2^b, d], or the coefficients, [books, rank].</param>
/// <param name="scales">[books].</param>
public sealed class VectorParts(float unit, sbyte[] codebooks, Half[] scales)
{
    /// <summary>What an entry of 1 stands for at scale 1.</summary>
    public float Unit { get; } = unit;

    /// <summary>[books, 2^b, d], or the coefficients, [books, rank].</summary>
    public sbyte[] Codebooks { get; } = codebooks;

    /// <summary>[books].</summary>
    public Half[] Scales { get; } = scales;

    /// <summary>[rank, 2^b]; empty where there is no rank.</summary>
    public sbyte[] Basis { get; init; } = [];

    /// <summary>A block of code c is scaled by 2^(-step c); at least 0 and at most 8.</summary>
    public float BlockStep { get; init; }

    /// <summary>[rows, packed bytes]; empty where there are no block scales.</summary>
    public byte[] Blocks { get; init; } = [];

    /// <summary>Refuses numbers that no writer writes.</summary>
    /// <exception cref="ArgumentException">The unit is no power of two in the normal range, or the step is out of range.</exception>
    internal void Check()
    {
        if (!(Unit > 0) || !float.IsNormal(Unit) || (BitConverter.SingleToUInt32Bits(Unit) & 0x7FFFFF) != 0)
            throw new ArgumentException("the unit is no power of two in the normal range");
        if (!(BlockStep is >= 0 and <= 8))
            throw new ArgumentException("the step of the block scales is not between 0 and 8");
    }
}

/// <summary>A weight matrix as indices into codebooks of vectors. See <see cref="VectorLayout"/> for the arrays.</summary>
public sealed class VectorMatrix : PackedMatrix
{
    private readonly VectorParts _parts;
    private readonly sbyte[] _entries;
    private readonly float[] _blockScales;

    /// <summary>Creates a packed matrix over arrays that it keeps.</summary>
    /// <param name="spec">How the matrix is packed.</param>
    /// <param name="parts">Codebooks, scales and block scales.</param>
    /// <param name="codes">The indices, [rows, packed bytes].</param>
    /// <param name="outliers">What is added to some weights; null where the specification has no outliers.</param>
    /// <exception cref="ArgumentException">The sizes of the layout are not allowed, an array does not have the size that the layout gives,
    /// or a number is out of range.</exception>
    public VectorMatrix(VectorLayout spec, VectorParts parts, ReadOnlyMemory<byte> codes, Outliers? outliers = null)
        : base(spec, outliers)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentNullException.ThrowIfNull(parts);
        if (spec.Problem is string problem)
            throw new ArgumentException(problem, nameof(spec));
        parts.Check();
        int books = spec.BookRank > 0 ? spec.Books * spec.BookRank : checked(spec.Books * spec.Entries * spec.Dimension);
        if (parts.Codebooks.Length != books || parts.Basis.Length != spec.BookRank * spec.Entries || parts.Scales.Length != spec.Books
            || parts.Blocks.Length != (long)spec.Rows * spec.BlockBytesPerRow
            || codes.Length != (long)spec.Rows * spec.BytesPerRow || (outliers is not null && outliers.Unit != parts.Unit))
        {
            throw new ArgumentException("an array does not have the size that the layout gives", nameof(spec));
        }
        (Spec, _parts, Codes) = (spec, parts, codes);
        _entries = spec.BookRank > 0 ? Product(parts.Codebooks, parts.Basis, spec.BookRank, spec.Entries) : parts.Codebooks;
        _blockScales = [.. Enumerable.Range(0, 1 << VectorLayout.BlockBits).Select(code => BlockScale(parts.BlockStep, code))];
    }

    /// <summary>How the matrix is packed.</summary>
    public VectorLayout Spec { get; }

    /// <inheritdoc/>
    public override float Unit => _parts.Unit;

    /// <summary>The entries of the codebooks, [books, 2^b, d], multiplied out where they are stored as a product.</summary>
    public ReadOnlyMemory<sbyte> Entries => _entries;

    /// <summary>The scale of each codebook.</summary>
    public ReadOnlyMemory<Half> Scales => _parts.Scales;

    /// <summary>The packed codes of the blocks, a row in <see cref="VectorLayout.BlockBytesPerRow"/> bytes; empty where there are
    /// none.</summary>
    public ReadOnlyMemory<byte> Blocks => _parts.Blocks;

    /// <summary>What each of the 16 codes of a block scales by: 2^(-step code).</summary>
    public ReadOnlyMemory<float> BlockScales => _blockScales;

    /// <summary>The packed indices.</summary>
    public ReadOnlyMemory<byte> Codes { get; }

    /// <summary>The indices of one row.</summary>
    /// <param name="row">From 0.</param>
    /// <param name="codes">Receives <see cref="VectorLayout.Vectors"/> indices.</param>
    public void UnpackRow(int row, Span<byte> codes) =>
        CodePacking.Unpack(Codes.Span.Slice(row * Spec.BytesPerRow, Spec.BytesPerRow), Spec.IndexBits, codes[..Spec.Vectors]);

    /// <summary>The codes of the blocks of one row.</summary>
    /// <param name="row">From 0.</param>
    /// <param name="codes">Receives <see cref="VectorLayout.Blocks"/> codes.</param>
    public void UnpackBlocks(int row, Span<byte> codes) =>
        CodePacking.Unpack(_parts.Blocks.AsSpan(row * Spec.BlockBytesPerRow, Spec.BlockBytesPerRow), VectorLayout.BlockBits,
            codes[..Spec.Blocks]);

    /// <summary>2^(-step code), as it multiplies.</summary>
    public static float BlockScale(float step, int code) => (float)Math.Pow(2, -(double)step * code);

    /// <summary>The entries that coefficients and a basis stand for: round(sum of coefficient * basis / 127), held within -127 ..
    /// 127.</summary>
    /// <param name="coefficients">[books, rank].</param>
    /// <param name="basis">[rank, entries].</param>
    /// <param name="rank">The rank.</param>
    /// <param name="entries">The entries of a codebook.</param>
    public static sbyte[] Product(ReadOnlySpan<sbyte> coefficients, ReadOnlySpan<sbyte> basis, int rank, int entries)
    {
        var result = new sbyte[coefficients.Length / rank * entries];
        for (int i = 0; i < result.Length; i++)
        {
            (int book, int entry) = Math.DivRem(i, entries);
            int sum = 0;
            for (int r = 0; r < rank; r++)
                sum += coefficients[book * rank + r] * basis[r * entries + entry];
            result[i] = (sbyte)Math.Clamp((sum + Math.Sign(sum) * 63) / 127, -127, 127);
        }
        return result;
    }

    /// <summary>One row in single precision: (scale * block scale) * (unit * entry).</summary>
    /// <inheritdoc/>
    protected override void DecodeRow(int row, Span<float> destination)
    {
        using var codeBuffer = new PooledArray<byte>(Spec.Vectors);
        using var blockBuffer = new PooledArray<byte>(Spec.Blocks);
        using var valueBuffer = new PooledArray<float>(Spec.Entries * Spec.Dimension);
        Span<byte> codes = codeBuffer.Span, blocks = blockBuffer.Span;
        Span<float> values = valueBuffer.Span;
        UnpackRow(row, codes);
        if (Spec.Blocks > 0)
            UnpackBlocks(row, blocks);
        int d = Spec.Dimension, piece = Spec.BlockColumns > 0 ? Spec.BlockColumns : Spec.BookColumns, current = -1;
        for (int first = 0; first < Columns; first += piece)
        {
            int book = Spec.BookOf(row, first), end = (int)Math.Min(Columns, (long)first + piece);
            if (book != current)
            {
                ReadOnlySpan<sbyte> entries = _entries.AsSpan(book * values.Length, values.Length);
                for (int i = 0; i < values.Length; i++)
                    values[i] = _parts.Unit * entries[i];
                current = book;
            }
            float scale = (float)_parts.Scales[book] * (Spec.Blocks > 0 ? _blockScales[blocks[first / piece]] : 1);
            for (int column = first; column < end; column += d)
            {
                ReadOnlySpan<float> vector = values.Slice(codes[column / d] * d, d);
                for (int i = 0; i < Math.Min(d, end - column); i++)
                    destination[column + i] = scale * vector[i];
            }
            if (piece > Columns - first)
                break;
        }
    }

    /// <inheritdoc/>
    protected override IEnumerable<ReadOnlyMemory<byte>> CodeArrayBytes()
    {
        float[] units = Spec.BlockColumns > 0 ? [_parts.Unit, _parts.BlockStep] : [_parts.Unit];
        yield return MemoryMarshal.AsBytes(units.AsSpan()).ToArray();
        yield return MemoryMarshal.AsBytes(_parts.Codebooks.AsSpan()).ToArray();
        if (Spec.BookRank > 0)
            yield return MemoryMarshal.AsBytes(_parts.Basis.AsSpan()).ToArray();
        yield return MemoryMarshal.AsBytes(_parts.Scales.AsSpan()).ToArray();
        if (Spec.BlockColumns > 0)
            yield return _parts.Blocks;
        yield return Codes;
    }
}
