using System.Runtime.InteropServices;
using Vernier.Files.Gguf.Blocks.Encoding;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>
/// Q6_K: 16 sub-blocks of 16 weights with a scale of 8 bits each. The block, for each half: the lower four bits of codes j and j + 64 in
/// byte j of 64; then for
/// each half the upper two bits of the codes j, j + 32, j + 64 and j + 96 in byte j of 32; the scales, signed bytes; D in half precision.
/// Level = code - 32.
/// </summary>
internal sealed class SixBitSuperBlock() : SuperBlock(
    "Q6_K", 14, 128 + 64 + 16 + 2, 16, [.. Enumerable.Range(-32, 64).Select(level => (sbyte)level)])
{
    private readonly SymmetricSearch _search = new(32);

    /// <inheritdoc/>
    public override (int Least, int Most) ScaleRange => (-128, 127);

    /// <inheritdoc/>
    public override void Unpack(ReadOnlySpan<byte> block, BlockParts parts)
    {
        for (int half = 0; half < 2; half++)
        {
            Span<byte> codes = parts.Codes.AsSpan(128 * half, 128);
            CodeLayout.UnpackHalves(block.Slice(64 * half, 64), codes);
            CodeLayout.UnpackPairs(block.Slice(128 + 32 * half, 32), 4, codes);
        }
        ReadOnlySpan<sbyte> scales = MemoryMarshal.Cast<byte, sbyte>(block.Slice(192, 16));
        for (int sub = 0; sub < 16; sub++)
            parts.Scales[sub] = scales[sub];
        parts.D = Rounding.ReadHalf(block[208..]);
    }

    /// <inheritdoc/>
    public override void Pack(BlockParts parts, Span<byte> block)
    {
        for (int half = 0; half < 2; half++)
        {
            ReadOnlySpan<byte> codes = parts.Codes.AsSpan(128 * half, 128);
            CodeLayout.PackHalves(codes, block.Slice(64 * half, 64));
            CodeLayout.PackPairs(codes, 4, block.Slice(128 + 32 * half, 32));
        }
        for (int sub = 0; sub < 16; sub++)
            block[192 + sub] = (byte)parts.Scales[sub];
        Rounding.WriteHalf(block[208..], parts.D);
    }

    private protected override void EncodeBlock(ReadOnlySpan<float> x, ReadOnlySpan<float> importance, BlockParts parts, bool plain)
    {
        Span<float> squares = stackalloc float[256], scales = stackalloc float[16];
        Span<SymmetricFit> fits = stackalloc SymmetricFit[16];
        Squares(x, squares);
        ReadOnlySpan<float> m = importance.IsEmpty ? squares : importance;
        for (int sub = 0; plain && sub < 16; sub++)
            fits[sub] = _search.Find(x.Slice(16 * sub, 16), m.Slice(16 * sub, 16));
        if (!plain)
            _search.FindAll(x, m, 16, fits);
        for (int sub = 0; sub < 16; sub++)
            scales[sub] = fits[sub].Scale;
        float largest = SymmetricSearch.Largest(scales);
        if (MathF.Abs(largest) < SymmetricSearch.Negligible)
        {
            parts.D = Half.Zero;
            Array.Clear(parts.Scales);
            Array.Clear(parts.Codes);
            return;
        }
        float inverse = -128f / largest;
        parts.D = Rounding.ToHalf(1 / inverse);
        for (int sub = 0; sub < 16; sub++)
        {
            parts.Scales[sub] = (sbyte)Math.Min(127, Rounding.Nearest(inverse * scales[sub]));
            ReadOnlySpan<float> weights = x.Slice(16 * sub, 16);
            Span<byte> codes = parts.Codes.AsSpan(16 * sub, 16);
            float scale = Scale(parts, sub);
            if (scale != 0)
            {
                Round(weights, scale, 0, -32, 31, codes);
                continue;
            }
            for (int i = 0; i < 16; i++)
                codes[i] = (byte)_search.Code(fits[sub], weights[i]);
        }
    }
}
