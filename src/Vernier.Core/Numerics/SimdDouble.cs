using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vernier.Numerics;

/// <summary>8 double-precision lanes.</summary>
internal readonly unsafe struct Double512(Vector512<double> value) : ISimdVector<Double512, double>
{
    private readonly Vector512<double> _value = value;

    public static int Lanes => 8;

    public static Double512 Zero => new(Vector512<double>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Double512 Load(double* source) => new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Double512 Broadcast(double value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(double* destination, Double512 value) => value._value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Double512 Add(Double512 left, Double512 right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Double512 Multiply(Double512 left, Double512 right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Double512 MultiplyAdd(Double512 left, Double512 right, Double512 addend) =>
        new(Vector512.FusedMultiplyAdd(left._value, right._value, addend._value));
}

/// <summary>4 double-precision lanes.</summary>
internal readonly unsafe struct Double256(Vector256<double> value) : ISimdVector<Double256, double>
{
    private readonly Vector256<double> _value = value;

    public static int Lanes => 4;

    public static Double256 Zero => new(Vector256<double>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Double256 Load(double* source) => new(Vector256.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Double256 Broadcast(double value) => new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(double* destination, Double256 value) => value._value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Double256 Add(Double256 left, Double256 right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Double256 Multiply(Double256 left, Double256 right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Double256 MultiplyAdd(Double256 left, Double256 right, Double256 addend) =>
        new(Vector256.FusedMultiplyAdd(left._value, right._value, addend._value));
}

/// <summary>2 double-precision lanes.</summary>
internal readonly unsafe struct Double128(Vector128<double> value) : ISimdVector<Double128, double>
{
    private readonly Vector128<double> _value = value;

    public static int Lanes => 2;

    public static Double128 Zero => new(Vector128<double>.Zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Double128 Load(double* source) => new(Vector128.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Double128 Broadcast(double value) => new(Vector128.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(double* destination, Double128 value) => value._value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Double128 Add(Double128 left, Double128 right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Double128 Multiply(Double128 left, Double128 right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Double128 MultiplyAdd(Double128 left, Double128 right, Double128 addend) =>
        new(Vector128.MultiplyAddEstimate(left._value, right._value, addend._value));
}

/// <summary>One double-precision lane: the path of a machine without vector instructions.</summary>
internal readonly unsafe struct DoubleScalar(double value) : ISimdVector<DoubleScalar, double>
{
    private readonly double _value = value;

    public static int Lanes => 1;

    public static DoubleScalar Zero => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleScalar Load(double* source) => new(*source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleScalar Broadcast(double value) => new(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(double* destination, DoubleScalar value) => *destination = value._value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleScalar Add(DoubleScalar left, DoubleScalar right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleScalar Multiply(DoubleScalar left, DoubleScalar right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DoubleScalar MultiplyAdd(DoubleScalar left, DoubleScalar right, DoubleScalar addend) =>
        new((left._value * right._value) + addend._value);
}
