using Vernier.Files.Gguf.Blocks.Encoding;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>
/// Q4_K and Q5_K: 8 sub-blocks of 32 weights. The block: D and DMin in half precision; scales and minimums of six bits in 12 bytes, see
/// <see cref="Unpack"/>; for Q5_K the fifth bits of the codes, bit s of byte j for code j of sub-block s; for each pair of sub-blocks the
/// lower four bits of
/// code j of the first and of the second in byte j of 32.
/// </summary>
internal sealed class WideSuperBlock(string name, int typeId, int bits)
    : AffineSuperBlock(name, typeId, 4 + 12 + (bits == 5 ? 32 : 0) + 128, 32, bits, 6, bits == 4
        ? new AffineSearch(15, -1f, 0.1f, 20, absolute: false, guarded: false)
        : new AffineSearch(31, -0.5f, 0.1f, 15, absolute: false, guarded: false))
{
    private readonly int _bits = bits;

    private protected override float VarianceFactor => 2;

    /// <inheritdoc/>
    public override void Unpack(ReadOnlySpan<byte> block, BlockParts parts)
    {
        (parts.D, parts.DMin) = (Rounding.ReadHalf(block), Rounding.ReadHalf(block[2..]));
        // Bytes 0 to 3 hold the scales and 4 to 7 the minimums of the first four sub-blocks in their lower six bits; bytes 8 to 11 the
        // lower
        // four bits of scale and minimum of the others, whose upper two bits are those of bytes 0 to 7.
        ReadOnlySpan<byte> packed = block[4..16];
        for (int sub = 0; sub < 4; sub++)
        {
            (parts.Scales[sub], parts.Mins[sub]) = (packed[sub] & 63, packed[sub + 4] & 63);
            (parts.Scales[sub + 4], parts.Mins[sub + 4]) =
                ((packed[sub + 8] & 15) | (packed[sub] >> 6 << 4), (packed[sub + 8] >> 4) | (packed[sub + 4] >> 6 << 4));
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
