using Vernier.Files.Gguf.Blocks.Encoding;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>
/// Q2_K: 16 sub-blocks of 16 weights. The block: scale and minimum of each sub-block, four bits each, the minimum in the upper half of a
/// byte; two
/// bits of the codes j, j + 32, j + 64 and j + 96 of each half in byte j of 32; D and DMin in half precision.
/// </summary>
internal sealed class TwoBitSuperBlock() : AffineSuperBlock(
    "Q2_K", 10, 16 + 64 + 4, 16, 2, 4, new AffineSearch(3, -0.5f, 0.1f, 15, absolute: true, guarded: false))
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
