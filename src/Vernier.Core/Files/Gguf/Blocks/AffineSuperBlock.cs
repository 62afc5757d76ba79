using Vernier.Files.Gguf.Blocks.Encoding;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>Q2_K, Q4_K and Q5_K: sub-blocks with an integer scale and an integer minimum each, and a scale for either. Level = code.</summary>
internal abstract class AffineSuperBlock : SuperBlock
{
    private readonly int _mostCode, _mostScale;
    private readonly AffineSearch _search, _importantSearch;

    protected AffineSuperBlock(string name, int typeId, int blockBytes, int subBlockColumns, int bits, int scaleBits, AffineSearch search)
        : base(name, typeId, blockBytes, subBlockColumns, [.. Enumerable.Range(0, 1 << bits).Select(code => (sbyte)code)])
    {
        (_mostCode, _mostScale, _search) = ((1 << bits) - 1, (1 << scaleBits) - 1, search);
        _importantSearch = new AffineSearch(_mostCode, -0.9f, 0.05f, 36, absolute: false, guarded: true);
    }

    /// <inheritdoc/>
    public sealed override (int Least, int Most) ScaleRange => (0, _mostScale);

    /// <inheritdoc/>
    public sealed override (int Least, int Most) MinRange => (0, _mostScale);

    /// <summary>What the importance matrix's numbers are weighted by: the mean of x^2 over the block, times this.</summary>
    private protected abstract float VarianceFactor { get; }

    private protected sealed override void EncodeBlock(ReadOnlySpan<float> x, ReadOnlySpan<float> importance, BlockParts parts, bool plain)
    {
        Span<float> m = stackalloc float[256], scales = stackalloc float[SubBlocks], mins = stackalloc float[SubBlocks];
        Span<AffineFit> fits = stackalloc AffineFit[SubBlocks];
        int columns = SubBlockColumns;
        AffineSearch search = importance.IsEmpty ? _search : _importantSearch;
        if (importance.IsEmpty)
            Importance(x, m);
        else
            ImportantRow.Fill(x, importance, VarianceFactor * ImportantRow.SquareSum(x) / 256, m);
        for (int sub = 0; plain && sub < fits.Length; sub++)
            fits[sub] = search.Find(x.Slice(sub * columns, columns), m.Slice(sub * columns, columns));
        if (!plain)
            search.FindAll(x, m, columns, fits);
        for (int sub = 0; sub < fits.Length; sub++)
            (scales[sub], mins[sub]) = (fits[sub].Scale, fits[sub].Min);

        (float d, float dMin) = importance.IsEmpty ? (Largest(scales, parts.Scales), Largest(mins, parts.Mins)) : Weighted(scales, mins, m, parts);
        (parts.D, parts.DMin) = (Rounding.ToHalf(d), Rounding.ToHalf(dMin));
        for (int sub = 0; sub < fits.Length; sub++)
        {
            float scale = Scale(parts, sub), min = Min(parts, sub);
            ReadOnlySpan<float> weights = x.Slice(sub * columns, columns);
            Span<byte> codes = parts.Codes.AsSpan(sub * columns, columns);
            if (scale != 0)
                Round(weights, scale, min, 0, _mostCode, codes);
            else
                KeepCodes(search, fits[sub], weights, codes);
        }
    }

    /// <summary>The importance of weights without data.</summary>
    private protected abstract void Importance(ReadOnlySpan<float> x, Span<float> m);

    /// <summary>The scale that gives the largest number the largest code; the codes of all.</summary>
    private float Largest(ReadOnlySpan<float> numbers, Span<int> codes)
    {
        float largest = 0;
        foreach (float number in numbers)
            largest = number > largest ? number : largest;
        float inverse = largest > 0 ? _mostScale / largest : 0;
        for (int i = 0; i < codes.Length; i++)
            codes[i] = Math.Min(_mostScale, (byte)Rounding.Nearest(inverse * numbers[i]));
        return largest / _mostScale;
    }

    private (float D, float DMin) Weighted(ReadOnlySpan<float> scales, ReadOnlySpan<float> mins, ReadOnlySpan<float> m, BlockParts parts)
    {
        Span<float> sums = stackalloc float[scales.Length];
        sums.Clear();
        for (int i = 0; i < m.Length; i++)
            sums[i / SubBlockColumns] += m[i];
        return (ScaleSearch.Find(scales, sums, _mostScale, parts.Scales), ScaleSearch.Find(mins, sums, _mostScale, parts.Mins));
    }

    /// <summary>Where the stored scale is 0 the codes mean nothing, and ggml leaves those of the search.</summary>
    private static void KeepCodes(AffineSearch search, in AffineFit fit, ReadOnlySpan<float> x, Span<byte> codes)
    {
        for (int i = 0; i < x.Length; i++)
            codes[i] = (byte)search.Code(fit, x[i]);
    }
}

/// <summary>
/// Q2_K: 16 sub-blocks of 16 weights. The block: scale and minimum of each sub-block, four bits each, the minimum in the upper half of a byte; two
/// bits of the codes j, j + 32, j + 64 and j + 96 of each half in byte j of 32; D and DMin in half precision.
/// </summary>
internal sealed class TwoBitSuperBlock() : AffineSuperBlock("Q2_K", 10, 16 + 64 + 4, 16, 2, 4, new AffineSearch(3, -0.5f, 0.1f, 15, absolute: true, guarded: false))
{
    private protected override float VarianceFactor => 1;

    /// <inheritdoc/>
    public override void Unpack(ReadOnlySpan<byte> block, BlockParts parts)
    {
        for (int sub = 0; sub < 16; sub++)
            (parts.Scales[sub], parts.Mins[sub]) = (block[sub] & 15, block[sub] >> 4);
        Array.Clear(parts.Codes);
        CodeLayout.UnpackPairs(block.Slice(16, 32), 0, parts.Codes);
        CodeLayout.UnpackPairs(block.Slice(48, 32), 0, parts.Codes.AsSpan(128));
        (parts.D, parts.DMin) = (Rounding.ReadHalf(block[80..]), Rounding.ReadHalf(block[82..]));
    }

    /// <inheritdoc/>
    public override void Pack(BlockParts parts, Span<byte> block)
    {
        for (int sub = 0; sub < 16; sub++)
            block[sub] = (byte)(parts.Scales[sub] | (parts.Mins[sub] << 4));
        CodeLayout.PackPairs(parts.Codes, 0, block.Slice(16, 32));
        CodeLayout.PackPairs(parts.Codes.AsSpan(128), 0, block.Slice(48, 32));
        Rounding.WriteHalf(block[80..], parts.D);
        Rounding.WriteHalf(block[82..], parts.DMin);
    }

    private protected override void Importance(ReadOnlySpan<float> x, Span<float> m)
    {
        for (int i = 0; i < x.Length; i++)
            m[i] = MathF.Abs(x[i]);
    }
}

/// <summary>
/// Q4_K and Q5_K: 8 sub-blocks of 32 weights. The block: D and DMin in half precision; scales and minimums of six bits in 12 bytes, see
/// <see cref="Unpack"/>; for Q5_K the fifth bits of the codes, bit s of byte j for code j of sub-block s; for each pair of sub-blocks the lower four bits of
/// code j of the first and of the second in byte j of 32.
/// </summary>
internal sealed class WideSuperBlock(string name, int typeId, int bits)
    : AffineSuperBlock(name, typeId, 4 + 12 + (bits == 5 ? 32 : 0) + 128, 32, bits, 6, bits == 4 ? new AffineSearch(15, -1f, 0.1f, 20, absolute: false, guarded: false) : new AffineSearch(31, -0.5f, 0.1f, 15, absolute: false, guarded: false))
{
    private readonly int _bits = bits;

    private protected override float VarianceFactor => 2;

    /// <inheritdoc/>
    public override void Unpack(ReadOnlySpan<byte> block, BlockParts parts)
    {
        (parts.D, parts.DMin) = (Rounding.ReadHalf(block), Rounding.ReadHalf(block[2..]));
        // Bytes 0 to 3 hold the scales and 4 to 7 the minimums of the first four sub-blocks in their lower six bits; bytes 8 to 11 the lower
        // four bits of scale and minimum of the others, whose upper two bits are those of bytes 0 to 7.
        ReadOnlySpan<byte> packed = block[4..16];
        for (int sub = 0; sub < 4; sub++)
        {
            (parts.Scales[sub], parts.Mins[sub]) = (packed[sub] & 63, packed[sub + 4] & 63);
            (parts.Scales[sub + 4], parts.Mins[sub + 4]) = ((packed[sub + 8] & 15) | (packed[sub] >> 6 << 4), (packed[sub + 8] >> 4) | (packed[sub + 4] >> 6 << 4));
        }
        for (int pair = 0; pair < 4; pair++)
            CodeLayout.UnpackHalves(block.Slice(BlockBytes - 128 + 32 * pair, 32), parts.Codes.AsSpan(64 * pair, 64));
        if (_bits == 5)
            CodeLayout.UnpackBits(block.Slice(16, 32), 4, parts.Codes);
    }

    /// <inheritdoc/>
    public override void Pack(BlockParts parts, Span<byte> block)
    {
        Rounding.WriteHalf(block, parts.D);
        Rounding.WriteHalf(block[2..], parts.DMin);
        Span<byte> packed = block[4..16];
        for (int sub = 0; sub < 4; sub++)
        {
            packed[sub] = (byte)(parts.Scales[sub] | (parts.Scales[sub + 4] >> 4 << 6));
            packed[sub + 4] = (byte)(parts.Mins[sub] | (parts.Mins[sub + 4] >> 4 << 6));
            packed[sub + 8] = (byte)((parts.Scales[sub + 4] & 15) | (parts.Mins[sub + 4] << 4));
        }
        for (int pair = 0; pair < 4; pair++)
            CodeLayout.PackHalves(parts.Codes.AsSpan(64 * pair, 64), block.Slice(BlockBytes - 128 + 32 * pair, 32));
        if (_bits == 5)
            CodeLayout.PackBits(parts.Codes, 4, block.Slice(16, 32));
    }

    private protected override void Importance(ReadOnlySpan<float> x, Span<float> m)
    {
        for (int begin = 0; begin < x.Length; begin += 32)
        {
            float average = MathF.Sqrt(ImportantRow.SquareSum(x.Slice(begin, 32)) / 32);
            for (int i = begin; i < begin + 32; i++)
                m[i] = average + MathF.Abs(x[i]);
        }
    }
}
