using System.Numerics;
using Vernier.Files.Gguf.Blocks.Encoding;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>
/// TQ1_0: 256 weights of -1, 0 or 1 times a scale, five to a byte. The block: 48 bytes of five and 4 bytes of four codes; D in half
/// precision. A byte is
/// ceil(256 t / 243) for the number t of five digits to the base 3, the first code the highest digit, so that a digit is the whole part of
/// three
/// times the byte read as a fraction. Byte j holds codes j + 32 n for the first 32, 160 + j + 16 n for the next 16, and 240 + j + 4 n for
/// the last 4.
/// </summary>
internal sealed class TritBlock() : SuperBlock("TQ1_0", 34, 48 + 4 + 2, 256, [-1, 0, 1])
{
    /// <summary>The first byte, the number of bytes, the first code and the number of digits of each part of a block.</summary>
    private static readonly (int Byte, int Bytes, int Code, int Digits)[] s_parts = [(0, 32, 0, 5), (32, 16, 160, 5), (48, 4, 240, 4)];

    /// <inheritdoc/>
    public override bool UsesImportance => false;

    /// <inheritdoc/>
    public override void Unpack(ReadOnlySpan<byte> block, BlockParts parts)
    {
        foreach ((int first, int bytes, int code, int digits) in s_parts)
        {
            for (int j = 0; j < bytes; j++)
            {
                byte fraction = block[first + j];
                for (int n = 0; n < digits; n++, fraction *= 3)
                    parts.Codes[code + j + n * bytes] = (byte)((fraction * 3) >> 8);
            }
        }
        parts.Scales[0] = 1;
        parts.D = Rounding.ReadHalf(block[52..]);
    }

    /// <inheritdoc/>
    public override void Pack(BlockParts parts, Span<byte> block)
    {
        foreach ((int first, int bytes, int code, int digits) in s_parts)
        {
            for (int j = 0; j < bytes; j++)
            {
                int number = 0;
                for (int n = 0; n < 5; n++)
                    number = number * 3 + (n < digits ? parts.Codes[code + j + n * bytes] : 0);
                block[first + j] = (byte)((number * 256 + 242) / 243);
            }
        }
        Rounding.WriteHalf(block[52..], parts.D);
    }

    private protected override void EncodeBlock(ReadOnlySpan<float> x, ReadOnlySpan<float> importance, BlockParts parts, bool plain) =>
        PairBlock.Encode(x, parts, plain);
}

/// <summary>
/// TQ2_0: 256 weights of -1, 0 or 1 times a scale, two bits each. The block: the codes j, j + 32, j + 64 and j + 96 of each half in byte j
/// of 32; D in half
/// precision. Level = code - 1; the fourth level, 2, decodes as well, though ggml never writes it.
/// </summary>
internal sealed class PairBlock() : SuperBlock("TQ2_0", 35, 64 + 2, 256, [-1, 0, 1, 2])
{
    /// <inheritdoc/>
    public override bool UsesImportance => false;

    /// <inheritdoc/>
    public override void Unpack(ReadOnlySpan<byte> block, BlockParts parts)
    {
        Array.Clear(parts.Codes);
        CodeLayout.UnpackPairs(block[..32], 0, parts.Codes);
        CodeLayout.UnpackPairs(block.Slice(32, 32), 0, parts.Codes.AsSpan(128));
        parts.Scales[0] = 1;
        parts.D = Rounding.ReadHalf(block[64..]);
    }

    /// <inheritdoc/>
    public override void Pack(BlockParts parts, Span<byte> block)
    {
        CodeLayout.PackPairs(parts.Codes, 0, block[..32]);
        CodeLayout.PackPairs(parts.Codes.AsSpan(128), 0, block.Slice(32, 32));
        Rounding.WriteHalf(block[64..], parts.D);
    }

    /// <summary>The nearest of -d, 0 and d for d the largest magnitude.</summary>
    internal static void Encode(ReadOnlySpan<float> x, BlockParts parts, bool plain)
    {
        float d = ByteBlock.Magnitude(x), inverse = d != 0 ? 1 / d : 0;
        parts.D = Rounding.ToHalf(d);
        parts.Scales[0] = 1;
        int i = 0;
        if (!plain && float.IsFinite(d) && float.IsFinite(inverse))
        {
            Span<int> found = stackalloc int[Vector<int>.Count];
            for (; i + found.Length <= x.Length; i += found.Length)
            {
                var value = new Vector<float>(x[i..]);
                if (!Vector.LessThanOrEqualAll(Vector.Abs(value), new Vector<float>(d)))
                    break;
                (Rounding.HalfAway(value * inverse) + Vector<int>.One).CopyTo(found);
                for (int lane = 0; lane < found.Length; lane++)
                    parts.Codes[i + lane] = (byte)found[lane];
            }
        }
        // A number that is none hides larger ones before it. What no integer holds is a huge one to ggml, whose lower bits are 0.
        for (; i < x.Length; i++)
            parts.Codes[i] = (byte)(((Rounding.HalfAway(x[i] * inverse) & 0xFFFF) + 1) & 3);
    }

    private protected override void EncodeBlock(ReadOnlySpan<float> x, ReadOnlySpan<float> importance, BlockParts parts, bool plain) =>
        Encode(x, parts, plain);
}
