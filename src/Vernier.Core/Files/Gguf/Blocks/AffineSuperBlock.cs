using Vernier.Files.Gguf.Blocks.Encoding;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>Q2_K, Q4_K and Q5_K: sub-blocks with an integer scale and an integer minimum each, and a scale for either. Level =
/// code.</summary>
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

        (float d, float dMin) = importance.IsEmpty ? (Largest(scales, parts.Scales), Largest(mins, parts.Mins))
            : Weighted(scales, mins, m, parts);
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
