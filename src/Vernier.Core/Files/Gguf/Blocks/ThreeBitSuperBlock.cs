using Vernier.Files.Gguf.Blocks.Encoding;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>
/// Q3_K: 16 sub-blocks of 16 weights with a scale of 6 bits each. The block: the third bits of the codes, bit s of byte j of 32 for code 32
/// s + j; two bits
/// of the codes j, j + 32, j + 64 and j + 96 of each half in byte j of 32; the scales + 32 in 12 bytes, see <see cref="Unpack"/>; D in half
/// precision. Level = code - 4.
/// </summary>
internal sealed class ThreeBitSuperBlock() : SuperBlock("Q3_K", 11, 32 + 64 + 12 + 2, 16, [-4, -3, -2, -1, 0, 1, 2, 3])
{
    private readonly DescentSearch _search = new(4);
    private readonly SymmetricSearch _importantSearch = new(4), _scaleSearch = new(32);

    /// <inheritdoc/>
    public override (int Least, int Most) ScaleRange => (-32, 31);

    /// <inheritdoc/>
    public override void Unpack(ReadOnlySpan<byte> block, BlockParts parts)
    {
        Array.Clear(parts.Codes);
        CodeLayout.UnpackBits(block, 2, parts.Codes);
        CodeLayout.UnpackPairs(block.Slice(32, 32), 0, parts.Codes);
        CodeLayout.UnpackPairs(block.Slice(64, 32), 0, parts.Codes.AsSpan(128));
        // The lower four bits of scales j and j + 8 are in byte j; the upper two of j, j + 4, j + 8 and j + 12 in byte 8 + j.
        ReadOnlySpan<byte> packed = block.Slice(96, 12);
        for (int sub = 0; sub < 16; sub++)
            parts.Scales[sub] = (((packed[sub % 8] >> (sub / 8 * 4)) & 15) | (((packed[8 + sub % 4] >> (sub / 4 * 2)) & 3) << 4)) - 32;
        parts.D = Rounding.ReadHalf(block[108..]);
    }

    /// <inheritdoc/>
    public override void Pack(BlockParts parts, Span<byte> block)
    {
        CodeLayout.PackBits(parts.Codes, 2, block[..32]);
        CodeLayout.PackPairs(parts.Codes, 0, block.Slice(32, 32));
        CodeLayout.PackPairs(parts.Codes.AsSpan(128), 0, block.Slice(64, 32));
        Span<byte> packed = block.Slice(96, 12);
        packed.Clear();
        for (int sub = 0; sub < 16; sub++)
        {
            int scale = parts.Scales[sub] + 32;
            packed[sub % 8] |= (byte)((scale & 15) << (sub / 8 * 4));
            packed[8 + sub % 4] |= (byte)(scale >> 4 << (sub / 4 * 2));
        }
        Rounding.WriteHalf(block[108..], parts.D);
    }

    private protected override void EncodeBlock(ReadOnlySpan<float> x, ReadOnlySpan<float> importance, BlockParts parts, bool plain)
    {
        if (importance.IsEmpty)
            EncodeAlone(x, parts, plain);
        else
            EncodeImportant(x, importance, parts, plain);
        for (int sub = 0; sub < 16; sub++)
        {
            float scale = Scale(parts, sub);
            if (scale != 0)
                Round(x.Slice(16 * sub, 16), scale, 0, -4, 3, parts.Codes.AsSpan(16 * sub, 16));
            else if (importance.IsEmpty)
                _search.Find(x.Slice(16 * sub, 16), parts.Codes.AsSpan(16 * sub, 16));
        }
    }

    private void EncodeAlone(ReadOnlySpan<float> x, BlockParts parts, bool plain)
    {
        Span<float> scales = stackalloc float[16];
        for (int sub = 0; plain && sub < 16; sub++)
            scales[sub] = _search.Find(x.Slice(16 * sub, 16), parts.Codes.AsSpan(16 * sub, 16));
        if (!plain)
            _search.FindAll(x, 16, scales);
        float largest = SymmetricSearch.Largest(scales), inverse = largest != 0 ? -32f / largest : 0;
        parts.D = Rounding.ToHalf(largest != 0 ? 1 / inverse : 0);
        for (int sub = 0; sub < 16; sub++)
            parts.Scales[sub] = largest != 0 ? Math.Clamp((int)(sbyte)Rounding.Nearest(inverse * scales[sub]), -32, 31) : -32;
    }

    private void EncodeImportant(ReadOnlySpan<float> x, ReadOnlySpan<float> importance, BlockParts parts, bool plain)
    {
        Span<float> m = stackalloc float[256], scales = stackalloc float[16], sums = stackalloc float[16];
        Span<SymmetricFit> fits = stackalloc SymmetricFit[16];
        ImportantRow.Fill(x, importance, 2 * ImportantRow.SquareSum(x) / 256, m);
        sums.Clear();
        for (int i = 0; i < m.Length; i++)
            sums[i / 16] += m[i];
        for (int sub = 0; plain && sub < 16; sub++)
            fits[sub] = _importantSearch.Find(x.Slice(16 * sub, 16), m.Slice(16 * sub, 16));
        if (!plain)
            _importantSearch.FindAll(x, m, 16, fits);
        for (int i = 0; i < x.Length; i++)
            parts.Codes[i] = (byte)_importantSearch.Code(fits[i / 16], x[i]);
        for (int sub = 0; sub < 16; sub++)
            scales[sub] = fits[sub].Scale;
        SymmetricFit fit = _scaleSearch.Find(scales, sums);
        for (int sub = 0; sub < 16; sub++)
            parts.Scales[sub] = _scaleSearch.Code(fit, scales[sub]) - 32;
        parts.D = Rounding.ToHalf(fit.Scale);
    }
}
