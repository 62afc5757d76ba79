using System.Buffers.Binary;
using System.Runtime.Intrinsics;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>The ways in which ggml lays codes, or some of their bits, into bytes.</summary>
internal static class CodeLayout
{
    /// <summary>Byte j of n holds code j in its lower and code j + n in its upper half.</summary>
    public static void UnpackHalves(ReadOnlySpan<byte> bytes, Span<byte> codes)
    {
        int n = bytes.Length, j = 0;
        codes = codes[..(2 * n)];
        for (; j + 16 <= n; j += 16)
        {
            Vector128<byte> both = Vector128.Create(bytes[j..]);
            (both & Vector128.Create((byte)15)).CopyTo(codes[j..]);
            (both >>> 4).CopyTo(codes[(j + n)..]);
        }
        for (; j < n; j++)
            (codes[j], codes[j + n]) = ((byte)(bytes[j] & 15), (byte)(bytes[j] >> 4));
    }

    /// <summary>The inverse; only the lower four bits of a code are taken.</summary>
    public static void PackHalves(ReadOnlySpan<byte> codes, Span<byte> bytes)
    {
        int n = bytes.Length;
        for (int j = 0; j < n; j++)
            bytes[j] = (byte)((codes[j] & 15) | (codes[j + n] << 4));
    }

    /// <summary>Byte j of 32 holds two bits of each of the codes j, j + 32, j + 64 and j + 96, from the lowest; adds them, shifted
    /// left.</summary>
    public static void UnpackPairs(ReadOnlySpan<byte> bytes, int shift, Span<byte> codes)
    {
        for (int part = 0; part < 4; part++)
        {
            for (int j = 0; j < 32; j += 16)
            {
                Vector128<byte> pair = (Vector128.Create(bytes[j..]) >>> (2 * part)) & Vector128.Create((byte)3);
                Span<byte> target = codes.Slice(32 * part + j, 16);
                (Vector128.Create<byte>(target) | (pair << shift)).CopyTo(target);
            }
        }
    }

    /// <summary>The inverse: bits shift and shift + 1 of 128 codes.</summary>
    public static void PackPairs(ReadOnlySpan<byte> codes, int shift, Span<byte> bytes)
    {
        for (int j = 0; j < 32; j++)
        {
            int pairs = 0;
            for (int part = 0; part < 4; part++)
                pairs |= ((codes[32 * part + j] >> shift) & 3) << (2 * part);
            bytes[j] = (byte)pairs;
        }
    }

    /// <summary>Bit s of byte j of 32 is a bit of code 32 s + j of 256; adds it, shifted left.</summary>
    public static void UnpackBits(ReadOnlySpan<byte> bytes, int shift, Span<byte> codes)
    {
        for (int part = 0; part < 8; part++)
        {
            for (int j = 0; j < 32; j += 16)
            {
                Vector128<byte> bit = (Vector128.Create(bytes[j..]) >>> part) & Vector128.Create((byte)1);
                Span<byte> target = codes.Slice(32 * part + j, 16);
                (Vector128.Create<byte>(target) | (bit << shift)).CopyTo(target);
            }
        }
    }

    /// <summary>The inverse: bit shift of 256 codes.</summary>
    public static void PackBits(ReadOnlySpan<byte> codes, int shift, Span<byte> bytes)
    {
        for (int j = 0; j < 32; j++)
        {
            int bits = 0;
            for (int part = 0; part < 8; part++)
                bits |= ((codes[32 * part + j] >> shift) & 1) << part;
            bytes[j] = (byte)bits;
        }
    }

    /// <summary>Bit j of a word is bit 4 of code j of 32; adds it.</summary>
    public static void UnpackFifth(ReadOnlySpan<byte> word, Span<byte> codes)
    {
        uint bits = BinaryPrimitives.ReadUInt32LittleEndian(word);
        for (int j = 0; j < 32; j++)
            codes[j] |= (byte)((bits >> j & 1) << 4);
    }

    /// <summary>The inverse.</summary>
    public static void PackFifth(ReadOnlySpan<byte> codes, Span<byte> word)
    {
        uint bits = 0;
        for (int j = 0; j < 32; j++)
            bits |= (uint)(codes[j] >> 4 & 1) << j;
        BinaryPrimitives.WriteUInt32LittleEndian(word, bits);
    }
}
