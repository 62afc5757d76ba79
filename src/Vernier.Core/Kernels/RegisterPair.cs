using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>Two registers of neighbouring rows as one, so that what both need, a broadcast activation or a mask, is loaded once.</summary>
internal readonly unsafe struct RegisterPair<V>(V low, V high) : IByteVector<RegisterPair<V>>
    where V : struct, IByteVector<V>
{
    public readonly V Low = low, High = high;

    public static int Rows => 2 * V.Rows;

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
    public static RegisterPair<V> And(RegisterPair<V> left, RegisterPair<V> right) => new(V.And(left.Low, right.Low), V.And(left.High, right.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterPair<V> Or(RegisterPair<V> left, RegisterPair<V> right) => new(V.Or(left.Low, right.Low), V.Or(left.High, right.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterPair<V> Xor(RegisterPair<V> left, RegisterPair<V> right) => new(V.Xor(left.Low, right.Low), V.Xor(left.High, right.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterPair<V> ShiftRight(RegisterPair<V> value, int bits) => new(V.ShiftRight(value.Low, bits), V.ShiftRight(value.High, bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterPair<V> ShiftLeft(RegisterPair<V> value, int bits) => new(V.ShiftLeft(value.Low, bits), V.ShiftLeft(value.High, bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterPair<V> MultiplyInt32(RegisterPair<V> left, RegisterPair<V> right) => new(V.MultiplyInt32(left.Low, right.Low), V.MultiplyInt32(left.High, right.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterPair<V> AddInt32(RegisterPair<V> left, RegisterPair<V> right) => new(V.AddInt32(left.Low, right.Low), V.AddInt32(left.High, right.High));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterPair<V> LoadInt16(short* source) => new(V.LoadInt16(source), V.LoadInt16(source + V.Rows));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterPair<V> LoadHalf(ushort* source, float factor) => new(V.LoadHalf(source, factor), V.LoadHalf(source + V.Rows, factor));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RegisterPair<V> AddScaled(RegisterPair<V> f, RegisterPair<V> n, RegisterPair<V> w, float x) =>
        new(V.AddScaled(f.Low, n.Low, w.Low, x), V.AddScaled(f.High, n.High, w.High, x));
}
