using System.Buffers.Binary;
using Vernier.Files.Gguf.Blocks.Encoding;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>
/// IQ4_XS: 8 sub-blocks of 32 weights on the levels of IQ4_NL, each with a scale of 6 bits. The block: D in half precision; the upper two
/// bits of
/// the scales + 32, 2 bytes; their lower four bits, two to a byte; for each sub-block codes j and j + 16 in byte j of 16.
/// </summary>
internal sealed class LevelSuperBlock() : SuperBlock("IQ4_XS", 23, 2 + 2 + 4 + 128, 32, LevelBlock.Table)
{
    private readonly LevelSearch _search = new(LevelBlock.Table);

    /// <inheritdoc/>
    public override (int Least, int Most) ScaleRange => (-32, 31);

    /// <inheritdoc/>
    public override void Unpack(ReadOnlySpan<byte> block, BlockParts parts)
    {
        parts.D = Rounding.ReadHalf(block);
        int upper = BinaryPrimitives.ReadUInt16LittleEndian(block[2..]);
        for (int sub = 0; sub < 8; sub++)
        {
            parts.Scales[sub] = (((block[4 + sub / 2] >> (4 * (sub % 2))) & 15) | (((upper >> (2 * sub)) & 3) << 4)) - 32;
            CodeLayout.UnpackHalves(block.Slice(8 + 16 * sub, 16), parts.Codes.AsSpan(32 * sub, 32));
        }
    }

    /// <inheritdoc/>
    public override void Pack(BlockParts parts, Span<byte> block)
    {
        Rounding.WriteHalf(block, parts.D);
        block[4..8].Clear();
        int upper = 0;
        for (int sub = 0; sub < 8; sub++)
        {
            int scale = parts.Scales[sub] + 32;
            block[4 + sub / 2] |= (byte)((scale & 15) << (4 * (sub % 2)));
            upper |= (scale >> 4) << (2 * sub);
            CodeLayout.PackHalves(parts.Codes.AsSpan(32 * sub, 32), block.Slice(8 + 16 * sub, 16));
        }
        BinaryPrimitives.WriteUInt16LittleEndian(block[2..], (ushort)upper);
    }

    private protected override void EncodeBlock(ReadOnlySpan<float> x, ReadOnlySpan<float> importance, BlockParts parts, bool plain)
    {
        Span<float> m = stackalloc float[256], scales = stackalloc float[8];
        if (importance.IsEmpty)
            Squares(x, m);
        else
            ImportantRow.Fill(x, importance, ImportantRow.SquareSum(x) * (2f / 256), m);
        for (int sub = 0; plain && sub < 8; sub++)
            scales[sub] = _search.Find(x.Slice(32 * sub, 32), m.Slice(32 * sub, 32));
        if (!plain)
            _search.FindAll(x, m, 32, scales);
        float d = -SymmetricSearch.Largest(scales) / 32, inverse = d != 0 ? 1 / d : 0;
        parts.D = Rounding.ToHalf(d);
        for (int sub = 0; sub < 8; sub++)
        {
            // ggml rounds the codes at the scale before it is rounded to half precision.
            float scale = d * (parts.Scales[sub] = Rounding.Nearest(inverse * scales[sub], -32, 31));
            _search.Codes(x.Slice(32 * sub, 32), scale != 0 ? 1 / scale : 0, parts.Codes.AsSpan(32 * sub, 32));
        }
    }
}
