using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>
/// A register of bytes, also seen as 32-bit lanes, one for each of <see cref="Rows"/> rows of a panel. The compiler specialises the
/// kernels for each implementing struct.
/// </summary>
internal unsafe interface IByteVector<TSelf>
    where TSelf : struct, IByteVector<TSelf>
{
    /// <summary>32-bit lanes: 4, 8 or 16. A quad of a panel is 16 / Rows registers.</summary>
    static abstract int Rows { get; }

    static abstract TSelf Load(byte* source);

    static abstract void Store(byte* destination, TSelf value);

    /// <summary>The same 32 bits in every lane.</summary>
    static abstract TSelf Broadcast(int value);

    static abstract TSelf And(TSelf left, TSelf right);

    static abstract TSelf Xor(TSelf left, TSelf right);

    /// <summary>In each byte the bits of the mask from one register, the others from another.</summary>
    static abstract TSelf Select(byte mask, TSelf ones, TSelf zeros);

    /// <summary>Shifts 32-bit lanes; bits come in from a neighbouring byte.</summary>
    static abstract TSelf ShiftRight(TSelf value, int bits);

    /// <summary>The 32-bit products, modulo 2^32.</summary>
    static abstract TSelf MultiplyInt32(TSelf left, TSelf right);

    static abstract TSelf AddInt32(TSelf left, TSelf right);

    /// <summary>As many 16-bit integers as there are rows, sign-extended into 32-bit lanes.</summary>
    static abstract TSelf LoadInt16(short* source);

    /// <summary>As many half-precision numbers as there are rows, times a factor of 2^-112 less: see <see cref="HalfScales"/>.</summary>
    static abstract TSelf LoadHalf(ushort* source, float factor);

    /// <summary>In single precision f + float(n) * (w * x), each operation rounded by itself; f and w hold floats, n integers.</summary>
    static abstract TSelf AddScaled(TSelf f, TSelf n, TSelf w, float x);
}

internal readonly unsafe struct Bytes256(Vector256<byte> value) : IByteVector<Bytes256>
{
    public readonly Vector256<byte> Value = value;

    public static int Rows => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 Load(byte* source) => new(Vector256.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* destination, Bytes256 value) => value.Value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 Broadcast(int value) => new(Vector256.Create(value).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 And(Bytes256 left, Bytes256 right) => new(left.Value & right.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 Xor(Bytes256 left, Bytes256 right) => new(left.Value ^ right.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 ShiftRight(Bytes256 value, int bits) => new((value.Value.AsUInt32() >> bits).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 Select(byte mask, Bytes256 ones, Bytes256 zeros) =>
        new(Vector256.ConditionalSelect(Vector256.Create(mask), ones.Value, zeros.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 MultiplyInt32(Bytes256 left, Bytes256 right) => new((left.Value.AsInt32() * right.Value.AsInt32()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 AddInt32(Bytes256 left, Bytes256 right) => new((left.Value.AsInt32() + right.Value.AsInt32()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 LoadInt16(short* source)
    {
        if (Avx2.IsSupported)
            return new(Avx2.ConvertToVector256Int32(source).AsByte());
        Vector128<short> narrow = Vector128.Load(source);
        return new(Vector256.Create(Vector128.WidenLower(narrow), Vector128.WidenUpper(narrow)).AsByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 LoadHalf(ushort* source, float factor)
    {
        Vector256<int> bits = LoadInt16((short*)source).Value.AsInt32() << 13;
        return new(((bits & Vector256.Create(HalfScales.Mask)).AsSingle() * factor).AsByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 AddScaled(Bytes256 f, Bytes256 n, Bytes256 w, float x) =>
        new((f.Value.AsSingle() + Vector256.ConvertToSingle(n.Value.AsInt32()) * (w.Value.AsSingle() * x)).AsByte());
}

internal readonly unsafe struct Bytes128(Vector128<byte> value) : IByteVector<Bytes128>
{
    public readonly Vector128<byte> Value = value;

    public static int Rows => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 Load(byte* source) => new(Vector128.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* destination, Bytes128 value) => value.Value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 Broadcast(int value) => new(Vector128.Create(value).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 And(Bytes128 left, Bytes128 right) => new(left.Value & right.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 Xor(Bytes128 left, Bytes128 right) => new(left.Value ^ right.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 ShiftRight(Bytes128 value, int bits) => new((value.Value.AsUInt32() >> bits).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 Select(byte mask, Bytes128 ones, Bytes128 zeros) =>
        new(Vector128.ConditionalSelect(Vector128.Create(mask), ones.Value, zeros.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 MultiplyInt32(Bytes128 left, Bytes128 right) => new((left.Value.AsInt32() * right.Value.AsInt32()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 AddInt32(Bytes128 left, Bytes128 right) => new((left.Value.AsInt32() + right.Value.AsInt32()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 LoadInt16(short* source) => new(Vector128.WidenLower(Vector64.Load(source).ToVector128Unsafe()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 LoadHalf(ushort* source, float factor)
    {
        Vector128<int> bits = LoadInt16((short*)source).Value.AsInt32() << 13;
        return new(((bits & Vector128.Create(HalfScales.Mask)).AsSingle() * factor).AsByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 AddScaled(Bytes128 f, Bytes128 n, Bytes128 w, float x) =>
        new((f.Value.AsSingle() + Vector128.ConvertToSingle(n.Value.AsInt32()) * (w.Value.AsSingle() * x)).AsByte());
}
