using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>Stored bytes are levels; the bias is an exclusive or with 128, since level + 128 modulo 256 turns the highest bit
/// over.</summary>
internal readonly unsafe struct DirectLevels<V>(V bias) : ILevelLookup<DirectLevels<V>, V>
    where V : struct, IByteVector<V>
{
    private readonly V _bias = bias;

    public static bool IsSupported => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DirectLevels<V> Load(sbyte* levels, int bias, int entries) => new(V.Broadcast(bias * 0x01010101));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Levels(V codes) => V.Xor(codes, _bias);
}

/// <summary>At most 16 entries, in both halves of a register: one byte shuffle, which gives 0 where the highest bit of the index is
/// set.</summary>
internal readonly unsafe struct Shuffle16x256(Vector256<byte> table) : ILevelLookup<Shuffle16x256, Bytes256>
{
    private readonly Vector256<byte> _table = table;

    public static bool IsSupported => Avx2.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Shuffle16x256 Load(sbyte* levels, int bias, int entries)
    {
        Vector128<byte> table = Vector128.Load((byte*)levels) ^ Vector128.Create((byte)bias);
        return new(Vector256.Create(table, table));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Bytes256 Levels(Bytes256 codes) => new(Avx2.Shuffle(_table, codes.Value & Vector256.Create((byte)0x0F)));
}

/// <summary>
/// At most 128 entries by eight shuffles. A shuffle gives 0 where the highest bit of the index is set and ignores bits 4 to 6, so
/// index - 16 k with unsigned saturation, plus 112 with signed sense, would do; a comparison of the high half is plainer.
/// </summary>
internal readonly unsafe struct Shuffle128x256(nint levels, byte bias) : ILevelLookup<Shuffle128x256, Bytes256>
{
    public static bool IsSupported => Avx2.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Shuffle128x256 Load(sbyte* levels, int bias, int entries) => new((nint)levels, (byte)bias);

    public Bytes256 Levels(Bytes256 codes)
    {
        Vector256<byte> index = codes.Value & Vector256.Create((byte)0x7F),
            chunk = (index.AsUInt32() >> 4).AsByte() & Vector256.Create((byte)0x0F), result = Vector256<byte>.Zero;
        for (byte k = 0; k < 8; k++)
        {
            Vector128<byte> sixteen = Vector128.Load((byte*)levels + 16 * k);
            Vector256<byte> level = Avx2.Shuffle(Vector256.Create(sixteen, sixteen), index);
            result |= level & Vector256.Equals(chunk, Vector256.Create(k));
        }
        return new(result ^ Vector256.Create(bias));
    }
}

/// <summary>A lookup for both registers of a pair.</summary>
internal readonly unsafe struct PairLookup<L, V>(L lookup) : ILevelLookup<PairLookup<L, V>, RegisterPair<V>>
    where L : struct, ILevelLookup<L, V>
    where V : struct, IByteVector<V>
{
    private readonly L _lookup = lookup;

    public static bool IsSupported => L.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PairLookup<L, V> Load(sbyte* levels, int bias, int entries) => new(L.Load(levels, bias, entries));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public RegisterPair<V> Levels(RegisterPair<V> codes) => new(_lookup.Levels(codes.Low), _lookup.Levels(codes.High));
}

/// <summary>At most 64 entries in a register: VPERMB takes each byte by the low six bits of its index.</summary>
internal readonly unsafe struct Permute64(Vector512<byte> table) : ILevelLookup<Permute64, Bytes512>
{
    private readonly Vector512<byte> _table = table;

    public static bool IsSupported => Avx512Vbmi.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Permute64 Load(sbyte* levels, int bias, int entries)
    {
        Vector512<byte> table = entries >= 64 ? Vector512.Load((byte*)levels)
            : entries == 32 ? Avx512F.BroadcastVector256ToVector512((long*)levels).AsByte()
            : Avx512F.BroadcastVector128ToVector512((int*)levels).AsByte();
        return new(table ^ Vector512.Create((byte)bias));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Bytes512 Levels(Bytes512 codes) => new(Avx512Vbmi.PermuteVar64x8(_table, codes.Value));
}

/// <summary>At most 128 entries in two registers: VPERMI2B takes each byte by the low seven bits of its index.</summary>
internal readonly unsafe struct Permute128(Vector512<byte> low, Vector512<byte> high) : ILevelLookup<Permute128, Bytes512>
{
    private readonly Vector512<byte> _low = low, _high = high;

    public static bool IsSupported => Avx512Vbmi.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Permute128 Load(sbyte* levels, int bias, int entries)
    {
        var turn = Vector512.Create((byte)bias);
        return new(Vector512.Load((byte*)levels) ^ turn, Vector512.Load((byte*)levels + 64) ^ turn);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Bytes512 Levels(Bytes512 codes) => new(Avx512Vbmi.PermuteVar64x8x2(_low, codes.Value, _high));
}

/// <summary>256 entries in four registers: two lookups of 128, and the highest bit of the index chooses between them.</summary>
internal readonly unsafe struct Permute256(Permute128 low, Permute128 high) : ILevelLookup<Permute256, Bytes512>
{
    private readonly Permute128 _low = low, _high = high;

    public static bool IsSupported => Avx512Vbmi.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Permute256 Load(sbyte* levels, int bias, int entries) =>
        new(Permute128.Load(levels, bias, entries), Permute128.Load(levels + 128, bias, entries));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Bytes512 Levels(Bytes512 codes) =>
        new(Vector512.ConditionalSelect(Vector512.LessThan(codes.Value.AsSByte(), Vector512<sbyte>.Zero).AsByte(),
            _high.Levels(codes).Value, _low.Levels(codes).Value));
}

/// <summary>At most 16 entries in a register of 128 bits, on any machine.</summary>
internal readonly unsafe struct Shuffle16x128(Vector128<byte> table) : ILevelLookup<Shuffle16x128, Bytes128>
{
    private readonly Vector128<byte> _table = table;

    public static bool IsSupported => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Shuffle16x128 Load(sbyte* levels, int bias, int entries) =>
        new(Vector128.Load((byte*)levels) ^ Vector128.Create((byte)bias));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Bytes128 Levels(Bytes128 codes) => new(Vector128.Shuffle(_table, codes.Value & Vector128.Create((byte)0x0F)));
}

/// <summary>At most 128 entries by eight shuffles of 128 bits, on any machine.</summary>
internal readonly unsafe struct Shuffle128x128(nint levels, byte bias) : ILevelLookup<Shuffle128x128, Bytes128>
{
    public static bool IsSupported => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Shuffle128x128 Load(sbyte* levels, int bias, int entries) => new((nint)levels, (byte)bias);

    public Bytes128 Levels(Bytes128 codes)
    {
        Vector128<byte> index = codes.Value & Vector128.Create((byte)0x0F),
            chunk = (codes.Value.AsUInt32() >> 4).AsByte() & Vector128.Create((byte)0x07), result = Vector128<byte>.Zero;
        for (byte k = 0; k < 8; k++)
            result |= Vector128.Shuffle(Vector128.Load((byte*)levels + 16 * k), index) & Vector128.Equals(chunk, Vector128.Create(k));
        return new(result ^ Vector128.Create(bias));
    }
}
