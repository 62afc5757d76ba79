using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>Codes and levels of the rows of two registers in which products are added up.</summary>
internal interface IRegisterPair<TSelf, V> : IByteVector<TSelf>
    where TSelf : struct, IRegisterPair<TSelf, V>
    where V : struct, IByteVector<V>
{
    /// <summary>The first rows.</summary>
    V Low { get; }

    /// <summary>The others.</summary>
    V High { get; }

    /// <summary>Both as one.</summary>
    static abstract TSelf Join(V low, V high);
}

/// <summary>Two registers of neighbouring rows as one, so that what both need, a broadcast activation or a mask, is loaded once.</summary>
internal readonly unsafe struct RegisterPair<V>(V low, V high) : IRegisterPair<RegisterPair<V>, V>
    where V : struct, IByteVector<V>
{
    private readonly V _low = low, _high = high;

    public static int Rows => 2 * V.Rows;

    public V Low => _low;

    public V High => _high;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterPair<V> Join(V low, V high) => new(low, high);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterPair<V> Load(byte* source) => new(V.Load(source), V.Load(source + 4 * V.Rows));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* destination, RegisterPair<V> value)
    {
        V.Store(destination, value.Low);
        V.Store(destination + 4 * V.Rows, value.High);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterPair<V> Broadcast(int value)
    {
        V one = V.Broadcast(value);
        return new(one, one);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterPair<V> And(RegisterPair<V> left, RegisterPair<V> right) =>
        new(V.And(left.Low, right.Low), V.And(left.High, right.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterPair<V> Xor(RegisterPair<V> left, RegisterPair<V> right) =>
        new(V.Xor(left.Low, right.Low), V.Xor(left.High, right.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterPair<V> ShiftRight(RegisterPair<V> value, int bits) =>
        new(V.ShiftRight(value.Low, bits), V.ShiftRight(value.High, bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterPair<V> Select(byte mask, RegisterPair<V> ones, RegisterPair<V> zeros) =>
        new(V.Select(mask, ones.Low, zeros.Low), V.Select(mask, ones.High, zeros.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterPair<V> MultiplyInt32(RegisterPair<V> left, RegisterPair<V> right) =>
        new(V.MultiplyInt32(left.Low, right.Low), V.MultiplyInt32(left.High, right.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterPair<V> AddInt32(RegisterPair<V> left, RegisterPair<V> right) =>
        new(V.AddInt32(left.Low, right.Low), V.AddInt32(left.High, right.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterPair<V> LoadInt16(short* source) => new(V.LoadInt16(source), V.LoadInt16(source + V.Rows));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterPair<V> LoadHalf(ushort* source, float factor) =>
        new(V.LoadHalf(source, factor), V.LoadHalf(source + V.Rows, factor));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterPair<V> AddScaled(RegisterPair<V> f, RegisterPair<V> n, RegisterPair<V> w, float x) =>
        new(V.AddScaled(f.Low, n.Low, w.Low, x), V.AddScaled(f.High, n.High, w.High, x));
}

/// <summary>One register of 512 bits where products are added up in two of 256.</summary>
internal readonly unsafe struct Bytes512(Vector512<byte> value) : IRegisterPair<Bytes512, Bytes256>
{
    public readonly Vector512<byte> Value = value;

    public static int Rows => 16;

    public Bytes256 Low
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Value.GetLower());
    }

    public Bytes256 High
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(Value.GetUpper());
    }

    // One insertion; Vector512.Create would make two and hold a register for what they insert into.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512 Join(Bytes256 low, Bytes256 high) => new(low.Value.ToVector512Unsafe().WithUpper(high.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512 Load(byte* source) => new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* destination, Bytes512 value) => value.Value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512 Broadcast(int value) => new(Vector512.Create(value).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512 And(Bytes512 left, Bytes512 right) => new(left.Value & right.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512 Xor(Bytes512 left, Bytes512 right) => new(left.Value ^ right.Value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512 Select(byte mask, Bytes512 ones, Bytes512 zeros) =>
        new(Vector512.ConditionalSelect(Vector512.Create(mask), ones.Value, zeros.Value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512 ShiftRight(Bytes512 value, int bits) => new((value.Value.AsUInt32() >> bits).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512 MultiplyInt32(Bytes512 left, Bytes512 right) => new((left.Value.AsInt32() * right.Value.AsInt32()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512 AddInt32(Bytes512 left, Bytes512 right) => new((left.Value.AsInt32() + right.Value.AsInt32()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512 LoadInt16(short* source) => new(Avx512F.ConvertToVector512Int32(Vector256.Load(source)).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512 LoadHalf(ushort* source, float factor)
    {
        Vector512<int> bits = LoadInt16((short*)source).Value.AsInt32() << 13;
        return new(((bits & Vector512.Create(HalfScales.Mask)).AsSingle() * factor).AsByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512 AddScaled(Bytes512 f, Bytes512 n, Bytes512 w, float x) =>
        new((f.Value.AsSingle() + Vector512.ConvertToSingle(n.Value.AsInt32()) * (w.Value.AsSingle() * x)).AsByte());
}
