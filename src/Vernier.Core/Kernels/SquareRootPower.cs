using System.Runtime.Intrinsics;

namespace Vernier.Kernels;

/// <summary>
/// The power grid with exponent 1/2 in integers alone (methods 2A): a code q from -L to L stands for sign(q) q^2, and the product of two
/// codes
/// p = q_w q_x stands for sign(p) p^2, which is the product of what they stand for. No float is used, so a result is what
/// the definition says on every machine:
/// <code>
/// encode(v) = sign(v) isqrt_nearest(|v|)      for a fixed-point value v, |v| at most L^2
/// dot(q_w, q_x) = sum_i sign(p_i) p_i^2,      p_i = q_w,i q_x,i
/// </code>
/// After E. Yvinec, A. Dapogny, K. Bailly: NUPES, 2023, which names integer-only inference; how it is done here is our reconstruction.
/// </summary>
public static unsafe class SquareRootPower
{
    /// <summary>The largest code, of 8 bits.</summary>
    public const int LargestCode = 127;

    /// <summary>The code of a fixed-point value: the integer nearest to the square root of its magnitude, with its sign.</summary>
    /// <param name="value">-127^2 to 127^2.</param>
    public static int Encode(int value)
    {
        int magnitude = Math.Abs(value);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(magnitude, LargestCode * LargestCode, nameof(value));
        int root = Root(magnitude);
        // (root + 1/2)^2 = root^2 + root + 1/4: an integer above root^2 + root is nearer to the next root.
        root += magnitude > root * root + root ? 1 : 0;
        return value < 0 ? -root : root;
    }

    /// <summary>floor(sqrt(x)) by Newton's iteration y = (y + x / y) / 2 from a power of two that is not below the root.</summary>
    /// <param name="x">At least 0.</param>
    public static int Root(int x)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(x);
        if (x < 2)
            return x;
        int bits = 32 - int.LeadingZeroCount(x), y = 1 << ((bits + 1) / 2);
        for (int next = (y + x / y) >> 1; next < y; next = (y + x / y) >> 1)
            y = next;
        return y;
    }

    /// <summary>
    /// The sum as the definition says, by squares of both operands: sign(p) p^2 = (sign(w) w^2)(sign(x) x^2). Squares of 8-bit codes fit in
    /// 16 bits, their products in 32, two of them too; sums are kept in 64.
    /// </summary>
    /// <param name="weights">Codes, -127 to 127.</param>
    /// <param name="x">As many codes, -127 to 127.</param>
    public static long Dot(ReadOnlySpan<sbyte> weights, ReadOnlySpan<sbyte> x)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(x.Length, weights.Length);
        Vector256<long> sums = Vector256<long>.Zero;
        int i = 0;
        fixed (sbyte* pw = weights, px = x)
        {
            for (; i <= weights.Length - 16; i += 16)
            {
                Vector128<sbyte> w = Vector128.Load(pw + i), v = Vector128.Load(px + i);
                sums += Products(Square(Vector128.WidenLower(w)), Square(Vector128.WidenLower(v)));
                sums += Products(Square(Vector128.WidenUpper(w)), Square(Vector128.WidenUpper(v)));
            }
        }
        return Vector256.Sum(sums) + DotReference(weights[i..], x[i..]);
    }

    /// <summary>The definition, term by term.</summary>
    public static long DotReference(ReadOnlySpan<sbyte> weights, ReadOnlySpan<sbyte> x)
    {
        long sum = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            long p = weights[i] * x[i];
            sum += Math.Sign(p) * p * p;
        }
        return sum;
    }

    /// <summary>sign(q) q^2 = q |q|.</summary>
    private static Vector128<short> Square(Vector128<short> q) => q * Vector128.Abs(q);

    private static Vector256<long> Products(Vector128<short> w, Vector128<short> x)
    {
        Vector128<int> low = Vector128.WidenLower(w) * Vector128.WidenLower(x), high = Vector128.WidenUpper(w) * Vector128.WidenUpper(x);
        Vector128<int> pair = low + high;
        return Vector256.Create(Vector128.WidenLower(pair), Vector128.WidenUpper(pair));
    }
}
