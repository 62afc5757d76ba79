using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Packing;

/// <summary>
/// Codes of b bits in a row of bytes: code i occupies the bits i b .. i b + b - 1 of the row, counted from the least significant bit of
/// the first byte. A row begins on a byte; unused bits of its last byte are zero.
/// </summary>
public static class CodePacking
{
    /// <summary>The bytes of a row: ceil(count bits / 8).</summary>
    public static long BytesPerRow(long count, int bits) => checked(count * bits + 7) / 8;

    /// <summary>Packs a row of codes.</summary>
    /// <param name="codes">The codes, each below 2^bits.</param>
    /// <param name="bits">2 to 8.</param>
    /// <param name="packed">Receives <see cref="BytesPerRow"/> bytes.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack(ReadOnlySpan<byte> codes, int bits, Span<byte> packed)
    {
        Check(bits, codes.Length, packed.Length);
        if (bits == 8)
        {
            codes.CopyTo(packed);
            return;
        }
        // Eight codes are `bits` bytes; writing them as one 64-bit word needs room for eight bytes.
        ulong mask = (1UL << bits) - 1, spread = mask * 0x0101010101010101;
        int done = 0, position = 0, filled = 0;
        for (; done + 8 <= codes.Length && position + 8 <= packed.Length; done += 8, position += bits)
            BinaryPrimitives.WriteUInt64LittleEndian(
                packed[position..], Extract(BinaryPrimitives.ReadUInt64LittleEndian(codes[done..]), bits, mask, spread));
        uint word = 0;
        foreach (byte code in codes[done..])
        {
            word |= (uint)code << filled;
            filled += bits;
            while (filled >= 8)
            {
                packed[position++] = (byte)word;
                word >>= 8;
                filled -= 8;
            }
        }
        if (filled > 0)
            packed[position] = (byte)word;
    }

    /// <summary>Unpacks a row of codes.</summary>
    /// <param name="packed">The bytes of the row.</param>
    /// <param name="bits">2 to 8.</param>
    /// <param name="codes">Receives as many codes as it is long.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Unpack(ReadOnlySpan<byte> packed, int bits, Span<byte> codes)
    {
        Check(bits, codes.Length, packed.Length);
        if (bits == 8)
        {
            packed[..codes.Length].CopyTo(codes);
            return;
        }
        // Eight codes are `bits` bytes. Reading them as one 64-bit word needs eight bytes to be there.
        ulong mask = (1UL << bits) - 1, spread = mask * 0x0101010101010101;
        int i = 0, position = 0;
        for (; i + 8 <= codes.Length && position + 8 <= packed.Length; i += 8, position += bits)
        {
            ulong word = BinaryPrimitives.ReadUInt64LittleEndian(packed[position..]);
            BinaryPrimitives.WriteUInt64LittleEndian(codes[i..], Deposit(word, bits, mask, spread));
        }
        for (; i < codes.Length; i++)
        {
            int bit = i * bits, at = bit >> 3;
            int word = packed[at] | (at + 1 < packed.Length ? packed[at + 1] << 8 : 0);
            codes[i] = (byte)((word >> (bit & 7)) & (int)mask);
        }
    }

    private static ulong Extract(ulong codes, int bits, ulong mask, ulong spread)
    {
        if (Bmi2.X64.IsSupported)
            return Bmi2.X64.ParallelBitExtract(codes, spread);
        ulong result = 0;
        for (int i = 0; i < 8; i++)
            result |= ((codes >> (8 * i)) & mask) << (i * bits);
        return result;
    }

    private static ulong Deposit(ulong word, int bits, ulong mask, ulong spread)
    {
        if (Bmi2.X64.IsSupported)
            return Bmi2.X64.ParallelBitDeposit(word, spread);
        ulong result = 0;
        for (int i = 0; i < 8; i++)
            result |= ((word >> (i * bits)) & mask) << (8 * i);
        return result;
    }

    private static void Check(int bits, int codes, int packed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, 8);
        ArgumentOutOfRangeException.ThrowIfLessThan(packed, BytesPerRow(codes, bits));
    }
}
