using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vernier.Levels;

namespace Vernier.Kernels;

/// <summary>What becomes of the carry of a sum of mantissas, where f = x_m + y_m + 2^-l is 1 or more.</summary>
public enum LMulCarry
{
    /// <summary>The number is 2^e (1 + f), as the formula says: its mantissa is shifted down by one bit, and its exponent is one above
    /// e.</summary>
    Renormalize,

    /// <summary>Bit patterns are added as they are, and the carry runs into the exponent: the number is 2^(e + 1) f, and from f = 2 on 2^(e
    /// + 2) (f - 1).</summary>
    IntoExponent,
}

/// <summary>
/// L-Mul, a product of floats without a multiplication: (1 + x_m) 2^x_e (1 + y_m) 2^y_e ~ (1 + x_m + y_m + 2^-l) 2^(x_e + y_e), with l = m
/// for mantissas of at most three
/// bits, 3 for four and 4 for more: sums of exponents and of mantissas, which are sums of bit patterns. Subnormal numbers count as zeros; a
/// product below the normal
/// range is zero, and one above is infinite, or the largest number of a format without infinities.
/// <para>H. Luo, W. Sun: Addition is all you need for energy-efficient language models, 2024.</para>
/// </summary>
public static class LMul
{
    private const int SingleMantissa = 23, SingleBias = 127, SingleSpecial = 255, Magnitude = int.MaxValue,
        Fraction = (1 << SingleMantissa) - 1;

    /// <summary>l, the exponent of what stands for the product of the mantissas.</summary>
    /// <param name="mantissaBits">m, at least 1.</param>
    public static int Offset(int mantissaBits) => mantissaBits <= 3 ? mantissaBits : mantissaBits == 4 ? 3 : 4;

    /// <summary>The product of two bit patterns of a format, as a bit pattern of it; a bit that the mantissa has no room for is
    /// dropped.</summary>
    /// <param name="x">Sign, exponent and mantissa, from the most significant bit on.</param>
    /// <param name="y">The other.</param>
    /// <param name="exponentBits">2 to 8; the bias is 2^(E - 1) - 1.</param>
    /// <param name="mantissaBits">1 to 23.</param>
    /// <param name="reserved">Which codes stand for infinity and NaN.</param>
    /// <param name="carry">What becomes of a carry.</param>
    /// <param name="precision">m, the bits of mantissa that the factors use; 0 for all.</param>
    public static uint Multiply(uint x, uint y, int exponentBits, int mantissaBits, ReservedCodes reserved,
        LMulCarry carry = LMulCarry.Renormalize, int precision = 0)
    {
        uint sign = ((x ^ y) >> (exponentBits + mantissaBits) & 1) << (exponentBits + mantissaBits), fraction = (1u << mantissaBits) - 1,
            most = (1u << exponentBits) - 1;
        uint ex = x >> mantissaBits & most, ey = y >> mantissaBits & most, magnitude = (1u << (exponentBits + mantissaBits)) - 1;
        uint infinity = most << mantissaBits, nan = reserved == ReservedCodes.LastExponent ? infinity | 1u << (mantissaBits - 1)
            : magnitude;
        uint largest = reserved == ReservedCodes.LastExponent ? infinity : reserved == ReservedCodes.LastCode ? magnitude - 1 : magnitude;
        if (IsNaN(x) || IsNaN(y))
            return nan;
        bool zero = ex == 0 || ey == 0;
        if (reserved == ReservedCodes.LastExponent && (ex == most || ey == most))
            return zero ? nan : sign | infinity;
        if (zero)
            return sign;
        int bits = precision == 0 ? mantissaBits : precision;
        long sum = (x & fraction) + (y & fraction) + (1L << (mantissaBits - Offset(bits))),
            exponent = (long)ex + ey - ((1L << (exponentBits - 1)) - 1);
        if (sum > fraction)
        {
            exponent += carry == LMulCarry.Renormalize ? 1 : sum >> mantissaBits;
            sum = carry == LMulCarry.Renormalize ? (sum - fraction - 1) >> 1 : sum & fraction;
        }
        if (exponent <= 0)
            return sign;
        long pattern = exponent << mantissaBits | sum;
        return sign | (pattern > largest || (reserved == ReservedCodes.LastExponent && exponent >= most) ? largest : (uint)pattern);

        bool IsNaN(uint z) => reserved switch
        {
            ReservedCodes.LastExponent => (z & magnitude) > infinity,
            ReservedCodes.LastCode => (z & magnitude) == magnitude,
            _ => false,
        };
    }

    /// <summary>The product of two numbers in single precision whose mantissas use m bits.</summary>
    /// <param name="x">A factor.</param>
    /// <param name="y">The other.</param>
    /// <param name="mantissaBits">m, 1 to 23.</param>
    /// <param name="carry">What becomes of a carry.</param>
    public static float Multiply(float x, float y, int mantissaBits, LMulCarry carry = LMulCarry.Renormalize) =>
        BitConverter.UInt32BitsToSingle(
        Multiply(BitConverter.SingleToUInt32Bits(x), BitConverter.SingleToUInt32Bits(y), 8, SingleMantissa, ReservedCodes.LastExponent,
            carry, mantissaBits));

    /// <summary>The number of m bits of mantissa that is next to a number, of two the one whose last bit is 0. NaN and infinities
    /// stay.</summary>
    /// <param name="x">The number.</param>
    /// <param name="mantissaBits">m, 1 to 22.</param>
    public static float Round(float x, int mantissaBits)
    {
        if (!float.IsFinite(x))
            return x;
        int dropped = SingleMantissa - mantissaBits;
        uint bits = BitConverter.SingleToUInt32Bits(x), even = bits >> dropped & 1;
        return BitConverter.UInt32BitsToSingle((bits + (1u << (dropped - 1)) - 1 + even) >> dropped << dropped);
    }

    /// <summary>The sum of the products of numbers of m bits of mantissa, in single precision: a register at a time, in a fixed
    /// order.</summary>
    /// <param name="x">Numbers.</param>
    /// <param name="y">As many.</param>
    /// <param name="mantissaBits">m, 1 to 22.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y, int mantissaBits)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(y.Length, x.Length);
        ReadOnlySpan<Vector<int>> first = MemoryMarshal.Cast<float, Vector<int>>(x), second = MemoryMarshal.Cast<float, Vector<int>>(y);
        var offset = new Vector<int>(1 << (SingleMantissa - Offset(mantissaBits)));
        Vector<float> sum = default;
        int i = 0;
        for (; i < first.Length; i++)
            sum += Products(first[i], second[i], offset);
        float all = Vector.Sum(sum);
        for (i *= Vector<float>.Count; i < x.Length; i++)
            all += Multiply(x[i], y[i], mantissaBits);
        return all;
    }

    // What Multiply does, lane by lane. Where an exponent is that of infinity or NaN, the ordinary product is what Multiply gives.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Products(Vector<int> x, Vector<int> y, Vector<int> offset)
    {
        Vector<int> magnitude = new(Magnitude), fraction = new(Fraction), one = Vector<int>.One, special = new(SingleSpecial);
        Vector<int> ex = Vector.ShiftRightLogical(x & magnitude, SingleMantissa),
            ey = Vector.ShiftRightLogical(y & magnitude, SingleMantissa);
        Vector<int> sum = (x & fraction) + (y & fraction) + offset, carries = Vector.GreaterThan(sum, fraction);
        sum = Vector.ConditionalSelect(carries, Vector.ShiftRightLogical(sum - fraction - one, 1), sum);
        Vector<int> exponent = ex + ey - new Vector<int>(SingleBias) - carries;
        Vector<int> pattern = Vector.ShiftLeft(exponent, SingleMantissa) | sum;
        pattern = Vector.ConditionalSelect(Vector.LessThan(exponent, special), pattern, new Vector<int>(SingleSpecial << SingleMantissa));
        Vector<int> isZero = Vector.Equals(ex, Vector<int>.Zero) | Vector.Equals(ey, Vector<int>.Zero) | Vector.LessThan(exponent, one);
        pattern = Vector.AndNot(pattern, isZero) | ((x ^ y) & new Vector<int>(int.MinValue));
        Vector<int> isSpecial = Vector.Equals(ex, special) | Vector.Equals(ey, special);
        return Vector.ConditionalSelect(isSpecial, Special(x, y, ex, ey), Vector.AsVectorSingle(pattern));
    }

    private static Vector<float> Special(Vector<int> x, Vector<int> y, Vector<int> ex, Vector<int> ey) =>
        Vector.AsVectorSingle(Vector.AndNot(x, Vector.Equals(ex, Vector<int>.Zero)))
            * Vector.AsVectorSingle(Vector.AndNot(y, Vector.Equals(ey, Vector<int>.Zero)));
}
