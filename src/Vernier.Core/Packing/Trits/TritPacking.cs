using System.Buffers;

namespace Vernier.Packing.Trits;

/// <summary>How trits are stored.</summary>
public enum TritStorage
{
    /// <summary>Five trits a byte, t_0 + 1 + 3 (t_1 + 1) + .. + 81 (t_4 + 1), 0 to 242: 1.6 bits a trit.</summary>
    Base3,

    /// <summary>Four trits a byte, t + 1 in two bits from the least significant ones on: 2 bits a trit.</summary>
    TwoBits,
}

/// <summary>Trits, -1, 0 and 1, in rows of bytes. A row begins on a byte; what its last byte has room for beyond the row counts as -1,
/// digits of 0.</summary>
public static class TritPacking
{
    private const int Digits = 5;

    private static readonly byte[] s_powers = [1, 3, 9, 27, 81];
    private static readonly SearchValues<byte> s_pairs =
        SearchValues.Create([.. Enumerable.Range(0, 256).Where(stored => (stored & stored >> 1 & 0x55) == 0)
        .Select(stored => (byte)stored)]);
    private static readonly sbyte[] s_digits =
        [.. Enumerable.Range(0, 243).SelectMany(stored => s_powers.Select(power => (sbyte)(stored / power % 3 - 1)))];

    /// <summary>The trits of a byte.</summary>
    public static int PerByte(TritStorage storage) => storage == TritStorage.Base3 ? Digits : 4;

    /// <summary>The bytes of a row.</summary>
    public static int BytesPerRow(int count, TritStorage storage) => (int)(((long)count + PerByte(storage) - 1) / PerByte(storage));

    /// <summary>Packs a row.</summary>
    /// <param name="trits">-1, 0 or 1 each.</param>
    /// <param name="storage">How.</param>
    /// <param name="packed">Receives <see cref="BytesPerRow"/> bytes.</param>
    public static void Pack(ReadOnlySpan<sbyte> trits, TritStorage storage, Span<byte> packed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(packed.Length, BytesPerRow(trits.Length, storage));
        int perByte = PerByte(storage);
        for (int at = 0; at < trits.Length; at += perByte)
        {
            int stored = 0;
            for (int i = Math.Min(perByte, trits.Length - at) - 1; i >= 0; i--)
                stored = stored * (storage == TritStorage.Base3 ? 3 : 4) + trits[at + i] + 1;
            packed[at / perByte] = (byte)stored;
        }
    }

    /// <summary>Unpacks a row.</summary>
    /// <param name="packed">The bytes, all of them valid.</param>
    /// <param name="storage">How they are stored.</param>
    /// <param name="trits">Receives as many trits as it is long.</param>
    public static void Unpack(ReadOnlySpan<byte> packed, TritStorage storage, Span<sbyte> trits)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(packed.Length, BytesPerRow(trits.Length, storage));
        if (storage == TritStorage.TwoBits)
        {
            for (int i = 0; i < trits.Length; i++)
                trits[i] = (sbyte)((packed[i >> 2] >> (2 * (i & 3)) & 3) - 1);
            return;
        }
        int whole = trits.Length / Digits;
        for (int i = 0; i < whole; i++)
            s_digits.AsSpan(packed[i] * Digits, Digits).CopyTo(trits[(i * Digits)..]);
        if (whole * Digits < trits.Length)
            s_digits.AsSpan(packed[whole] * Digits, trits.Length - whole * Digits).CopyTo(trits[(whole * Digits)..]);
    }

    /// <summary>Whether bytes stand for trits: none above 242 in base 3, no digit of 3 in two bits.</summary>
    public static bool AreValid(ReadOnlySpan<byte> packed, TritStorage storage) =>
        storage == TritStorage.Base3 ? !packed.ContainsAnyInRange((byte)243, (byte)255) : !packed.ContainsAnyExcept(s_pairs);
}
