using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vernier.Numerics;

internal readonly unsafe struct Simd512(Vector512<float> value) : ISimdVector<Simd512>
{
    private readonly Vector512<float> _value = value;

    /// <summary>The register.</summary>
    public Vector512<float> Value => _value;

    public static int Lanes => 16;

    public static Simd512 Zero => new(Vector512<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Load(float* source) => new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Broadcast(float value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, Simd512 value) => value._value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Add(Simd512 left, Simd512 right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 Multiply(Simd512 left, Simd512 right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 AddWhereGreater(Simd512 value, Simd512 x, Simd512 bound, Simd512 increment) =>
        new(Vector512.ConditionalSelect(Vector512.GreaterThan(x._value, bound._value), value._value + increment._value, value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 RoundBetween(Simd512 value, Simd512 least, Simd512 most)
    {
        Vector512<float> above = Vector512.ConditionalSelect(Vector512.GreaterThan(value._value, least._value), value._value, least._value);
        return new(Vector512.Round(Vector512.MinNative(above, most._value)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(byte* destination, Simd512 integers)
    {
        Vector512<int> integers512 = Vector512.ConvertToInt32(integers._value);
        Vector256<short> narrow = Vector256.Narrow(integers512.GetLower(), integers512.GetUpper());
        Vector128.Narrow(narrow.GetLower().AsUInt16(), narrow.GetUpper().AsUInt16()).Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Simd512 value) => Vector512.Sum(value._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 MultiplyAdd(Simd512 left, Simd512 right, Simd512 addend) =>
        new(Vector512.FusedMultiplyAdd(left._value, right._value, addend._value));
}

internal readonly unsafe struct Simd256(Vector256<float> value) : ISimdVector<Simd256>
{
    private readonly Vector256<float> _value = value;

    public static int Lanes => 8;

    public static Simd256 Zero => new(Vector256<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Load(float* source) => new(Vector256.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Broadcast(float value) => new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, Simd256 value) => value._value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Add(Simd256 left, Simd256 right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 Multiply(Simd256 left, Simd256 right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 AddWhereGreater(Simd256 value, Simd256 x, Simd256 bound, Simd256 increment) =>
        new(Vector256.ConditionalSelect(Vector256.GreaterThan(x._value, bound._value), value._value + increment._value, value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 RoundBetween(Simd256 value, Simd256 least, Simd256 most)
    {
        Vector256<float> above = Vector256.ConditionalSelect(Vector256.GreaterThan(value._value, least._value), value._value, least._value);
        return new(Vector256.Round(Vector256.MinNative(above, most._value)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(byte* destination, Simd256 integers)
    {
        Vector256<int> integers256 = Vector256.ConvertToInt32(integers._value);
        Vector128<ushort> narrow = Vector128.Narrow(integers256.GetLower(), integers256.GetUpper()).AsUInt16();
        Vector128.Narrow(narrow, narrow).GetLower().Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Simd256 value) => Vector256.Sum(value._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 MultiplyAdd(Simd256 left, Simd256 right, Simd256 addend) =>
        new(Vector256.FusedMultiplyAdd(left._value, right._value, addend._value));
}

internal readonly unsafe struct Simd128(Vector128<float> value) : ISimdVector<Simd128>
{
    private readonly Vector128<float> _value = value;

    public static int Lanes => 4;

    public static Simd128 Zero => new(Vector128<float>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Load(float* source) => new(Vector128.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Broadcast(float value) => new(Vector128.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, Simd128 value) => value._value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Add(Simd128 left, Simd128 right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 Multiply(Simd128 left, Simd128 right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 AddWhereGreater(Simd128 value, Simd128 x, Simd128 bound, Simd128 increment) =>
        new(Vector128.ConditionalSelect(Vector128.GreaterThan(x._value, bound._value), value._value + increment._value, value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 RoundBetween(Simd128 value, Simd128 least, Simd128 most)
    {
        Vector128<float> above = Vector128.ConditionalSelect(Vector128.GreaterThan(value._value, least._value), value._value, least._value);
        return new(Vector128.Round(Vector128.MinNative(above, most._value)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(byte* destination, Simd128 integers)
    {
        Vector128<ushort> narrow = Vector128.Narrow(Vector128.ConvertToInt32(integers._value), Vector128<int>.Zero).AsUInt16();
        *(uint*)destination = Vector128.Narrow(narrow, narrow).AsUInt32().ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Simd128 value) => Vector128.Sum(value._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 MultiplyAdd(Simd128 left, Simd128 right, Simd128 addend) =>
        new(Vector128.MultiplyAddEstimate(left._value, right._value, addend._value));
}

/// <summary>One lane: the path of a machine without vector instructions.</summary>
internal readonly unsafe struct SimdScalar(float value) : ISimdVector<SimdScalar>
{
    private readonly float _value = value;

    public static int Lanes => 1;

    public static SimdScalar Zero => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdScalar Load(float* source) => new(*source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdScalar Broadcast(float value) => new(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, SimdScalar value) => *destination = value._value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdScalar Add(SimdScalar left, SimdScalar right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdScalar Multiply(SimdScalar left, SimdScalar right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdScalar AddWhereGreater(SimdScalar value, SimdScalar x, SimdScalar bound, SimdScalar increment) =>
        x._value > bound._value ? new(value._value + increment._value) : value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdScalar RoundBetween(SimdScalar value, SimdScalar least, SimdScalar most) =>
        new(MathF.Round(value._value > least._value ? MathF.Min(value._value, most._value) : least._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(byte* destination, SimdScalar integers) => *destination = (byte)integers._value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(SimdScalar value) => value._value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SimdScalar MultiplyAdd(SimdScalar left, SimdScalar right, SimdScalar addend) =>
        new(left._value * right._value + addend._value);
}
