using System.Numerics;
using System.Runtime.CompilerServices;
using Vernier.Files.Gguf.Blocks.Encoding;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>What the formats with blocks of 256 weights have in common.</summary>
internal abstract class SuperBlock(string name, int typeId, int blockBytes, int subBlockColumns, sbyte[] levels)
    : BlockFormat(name, typeId, 256, blockBytes, subBlockColumns, levels)
{
    private protected sealed override void EncodeRow(
        ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, Span<byte> blocks, bool plain)
    {
        var parts = new BlockParts(this);
        for (int i = 0; i < weights.Length; i += 256)
        {
            EncodeBlock(weights.Slice(i, 256), importance.IsEmpty ? importance : importance.Slice(i, 256), parts, plain);
            Pack(parts, blocks.Slice(i / 256 * BlockBytes, BlockBytes));
        }
    }

    /// <summary>Chooses the numbers of one block.</summary>
    private protected abstract void EncodeBlock(ReadOnlySpan<float> x, ReadOnlySpan<float> importance, BlockParts parts, bool plain);

    /// <summary>The squares.</summary>
    private protected static void Squares(ReadOnlySpan<float> x, Span<float> squares)
    {
        for (int i = 0; i < x.Length; i++)
            squares[i] = x[i] * x[i];
    }

    /// <summary>The codes of the weights of a sub-block at the scale and minimum as they are stored.</summary>
    /// <param name="x">The weights.</param>
    /// <param name="scale">The scale, which is not 0.</param>
    /// <param name="min">The minimum.</param>
    /// <param name="least">The least level.</param>
    /// <param name="most">The greatest level.</param>
    /// <param name="codes">Receives level - least for each.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private protected static void Round(ReadOnlySpan<float> x, float scale, float min, int least, int most, Span<byte> codes)
    {
        int i = 0;
        Span<int> found = stackalloc int[Vector<int>.Count];
        Vector<float> divisor = new(scale), shift = new(min);
        Vector<int> low = new(least), high = new(most);
        for (; i + found.Length <= x.Length; i += found.Length)
        {
            Vector<int> level = Rounding.Nearest((new Vector<float>(x[i..]) + shift) / divisor);
            (Vector.Max(low, Vector.Min(high, level)) - low).CopyTo(found);
            for (int lane = 0; lane < found.Length; lane++)
                codes[i + lane] = (byte)found[lane];
        }
        for (; i < x.Length; i++)
            codes[i] = (byte)(Rounding.Nearest((x[i] + min) / scale, least, most) - least);
    }
}
