using System.Numerics;
using Vernier.Files.Gguf.Blocks.Encoding;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>
/// MXFP4: 32 weights of 4-bit floats (E2M1) times a power of two. The block: the exponent e; codes j and j + 16 in byte j of 16. Levels are
/// twice the
/// floats, the scale is 2^(e - 128), and Scales[0] is e. Codes are sign and magnitude, so that 8 is a second zero.
/// </summary>
internal sealed class MicroscalingBlock() : BlockFormat("MXFP4", 39, 32, 17, 32, [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12])
{
    /// <inheritdoc/>
    public override (int Least, int Most) ScaleRange => (0, 254);

    /// <inheritdoc/>
    public override bool UsesImportance => false;

    /// <inheritdoc/>
    public override float Scale(BlockParts parts, int sub) => Power(parts.Scales[0]);

    /// <inheritdoc/>
    public override void Unpack(ReadOnlySpan<byte> block, BlockParts parts)
    {
        parts.Scales[0] = block[0];
        CodeLayout.UnpackHalves(block[1..17], parts.Codes);
    }

    /// <inheritdoc/>
    public override void Pack(BlockParts parts, Span<byte> block)
    {
        block[0] = (byte)parts.Scales[0];
        CodeLayout.PackHalves(parts.Codes, block[1..17]);
    }

    private protected override void EncodeRow(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, Span<byte> blocks, bool plain)
    {
        var parts = new BlockParts(this);
        for (int begin = 0; begin < weights.Length; begin += 32)
        {
            ReadOnlySpan<float> x = weights.Slice(begin, 32);
            float largest = MathF.Abs(SymmetricSearch.Largest(x));
            parts.Scales[0] = largest > 0 ? (byte)Rounding.Truncate(MathF.Floor((float)Math.Log2(largest)) - 2 + 127) : 0;
            float scale = Power(parts.Scales[0]);
            if (plain)
            {
                for (int i = 0; i < 32; i++)
                    parts.Codes[i] = (byte)Nearest(x[i], scale);
            }
            else
            {
                NearestInLanes(x, scale, parts.Codes);
            }
            Pack(parts, blocks.Slice(begin / 32 * BlockBytes, BlockBytes));
        }
    }

    /// <summary>The code with the least error; of equal ones the first.</summary>
    private int Nearest(float x, float scale)
    {
        int best = 0;
        float least = MathF.Abs(LevelArray[0] * scale - x);
        for (int code = 1; code < 16; code++)
        {
            float error = MathF.Abs(LevelArray[code] * scale - x);
            if (error < least)
                (best, least) = (code, error);
        }
        return best;
    }

    /// <summary>The same for all weights of a block.</summary>
    private void NearestInLanes(ReadOnlySpan<float> x, float scale, Span<byte> codes)
    {
        Span<int> found = stackalloc int[Vector<int>.Count];
        for (int i = 0; i < 32; i += found.Length)
        {
            var value = new Vector<float>(x[i..]);
            Vector<float> least = Vector.Abs(new Vector<float>(LevelArray[0] * scale) - value);
            Vector<int> best = Vector<int>.Zero;
            for (int code = 1; code < 16; code++)
            {
                Vector<float> error = Vector.Abs(new Vector<float>(LevelArray[code] * scale) - value);
                Vector<int> less = Vector.LessThan(error, least);
                least = Vector.ConditionalSelect(less, error, least);
                best = Vector.ConditionalSelect(less, new Vector<int>(code), best);
            }
            best.CopyTo(found);
            for (int lane = 0; lane < found.Length; lane++)
                codes[i + lane] = (byte)found[lane];
        }
    }

    private static float Power(int exponent) => MathF.ScaleB(1, exponent - 128);
}
