using Vernier.Files.Gguf.Blocks.Encoding;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>
/// IQ4_NL: 32 weights, one scale, and a fixed table of 16 levels that lie closer near zero. The block: D in half precision; codes j and j +
/// 16 in
/// byte j of 16.
/// </summary>
internal sealed class LevelBlock() : BlockFormat("IQ4_NL", 20, 32, 18, 32, Table)
{
    /// <summary>The levels of IQ4_NL and IQ4_XS.</summary>
    internal static readonly sbyte[] Table = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    private readonly LevelSearch _search = new(Table);

    /// <inheritdoc/>
    public override void Unpack(ReadOnlySpan<byte> block, BlockParts parts)
    {
        parts.D = Rounding.ReadHalf(block);
        parts.Scales[0] = 1;
        CodeLayout.UnpackHalves(block.Slice(2, 16), parts.Codes);
    }

    /// <inheritdoc/>
    public override void Pack(BlockParts parts, Span<byte> block)
    {
        Rounding.WriteHalf(block, parts.D);
        CodeLayout.PackHalves(parts.Codes, block.Slice(2, 16));
    }

    private protected override void EncodeRow(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, Span<byte> blocks, bool plain)
    {
        const int Together = 8;
        var parts = new BlockParts(this);
        Span<float> m = stackalloc float[32 * Together], scales = stackalloc float[Together];
        for (int begin = 0; begin < weights.Length; begin += m.Length)
        {
            ReadOnlySpan<float> x = weights[begin..Math.Min(weights.Length, begin + m.Length)];
            for (int i = 0; i < x.Length; i += 32)
                Importance(x.Slice(i, 32), importance.IsEmpty ? importance : importance.Slice(begin + i, 32), m[i..]);
            Span<float> found = scales[..(x.Length / 32)];
            for (int b = 0; plain && b < found.Length; b++)
                found[b] = _search.Find(x.Slice(32 * b, 32), m.Slice(32 * b, 32));
            if (!plain)
                _search.FindAll(x, m[..x.Length], 32, found);
            for (int b = 0; b < found.Length; b++)
            {
                parts.D = Rounding.ToHalf(found[b]);
                _search.Codes(x.Slice(32 * b, 32), found[b] != 0 ? 1 / found[b] : 0, parts.Codes);
                Pack(parts, blocks.Slice((begin / 32 + b) * BlockBytes, BlockBytes));
            }
        }
    }

    private static void Importance(ReadOnlySpan<float> x, ReadOnlySpan<float> importance, Span<float> m)
    {
        if (!importance.IsEmpty)
        {
            ImportantRow.Fill(x, importance, ImportantRow.SquareSum(x) * (2f / 32), m);
            return;
        }
        for (int i = 0; i < x.Length; i++)
            m[i] = x[i] * x[i];
    }
}
