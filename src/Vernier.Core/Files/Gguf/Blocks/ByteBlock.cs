using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Vernier.Files.Gguf.Blocks.Encoding;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>Q8_0: 32 weights, one scale. The block: D in half precision, 32 signed bytes. Code = level + 128.</summary>
internal sealed class ByteBlock() : BlockFormat("Q8_0", 8, 32, 34, 32, [.. Enumerable.Range(-128, 256).Select(level => (sbyte)level)])
{
    /// <inheritdoc/>
    public override bool UsesImportance => false;

    /// <inheritdoc/>
    public override void Unpack(ReadOnlySpan<byte> block, BlockParts parts)
    {
        parts.D = Rounding.ReadHalf(block);
        parts.Scales[0] = 1;
        (Vector256.Create(block[2..]) ^ Vector256.Create((byte)128)).CopyTo(parts.Codes);
    }

    /// <inheritdoc/>
    public override void Pack(BlockParts parts, Span<byte> block)
    {
        Rounding.WriteHalf(block, parts.D);
        (Vector256.Create(parts.Codes) ^ Vector256.Create((byte)128)).CopyTo(block[2..]);
    }

    private protected override void EncodeRow(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, Span<byte> blocks, bool plain)
    {
        for (int i = 0; i < weights.Length; i += 32)
        {
            ReadOnlySpan<float> x = weights.Slice(i, 32);
            Span<byte> block = blocks.Slice(i / 32 * BlockBytes, BlockBytes);
            if (!plain && BlockRounding.TryBytes(x, out Half d, out Vector256<byte> levels))
            {
                Rounding.WriteHalf(block, d);
                levels.CopyTo(block[2..]);
            }
            else
            {
                EncodePlain(x, block);
            }
        }
    }

    private static void EncodePlain(ReadOnlySpan<float> x, Span<byte> block)
    {
        float d = Magnitude(x) / 127, inverse = d != 0 ? 1 / d : 0;
        Rounding.WriteHalf(block, Rounding.ToHalf(d));
        Span<sbyte> levels = MemoryMarshal.Cast<byte, sbyte>(block[2..]);
        for (int i = 0; i < x.Length; i++)
            levels[i] = (sbyte)Rounding.HalfAway(x[i] * inverse);
    }

    /// <summary>The largest magnitude; after a number that is none the search begins again, as it does in ggml.</summary>
    internal static float Magnitude(ReadOnlySpan<float> x)
    {
        float largest = 0;
        foreach (float value in x)
            largest = largest > MathF.Abs(value) ? largest : MathF.Abs(value);
        return largest;
    }
}
