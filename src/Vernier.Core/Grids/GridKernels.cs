using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vernier.Numerics;

namespace Vernier.Grids;

/// <summary>The moments of weights against the levels they are rounded to, all that a least-squares scale needs.</summary>
/// <param name="WeightLevel">Sum of m w v.</param>
/// <param name="LevelLevel">Sum of m v^2.</param>
internal readonly record struct Moments(double WeightLevel, double LevelLevel);

/// <summary>
/// Rounding of many values on one table. A code is the number of boundaries that a value exceeds, so the value of its level is
/// v_0 + sum over boundaries of (v_(i+1) - v_i) [x > b_i]: no lookup, and every lane does the same.
/// </summary>
internal static unsafe class GridKernels
{
    /// <summary>The moments of weights w with importance m (all 1 where empty) at inverse scale r: levels v of w r.</summary>
    public static Moments Project(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, float inverseScale, LevelTable table)
    {
        fixed (float* w = weights, m = importance)
        {
            float* pm = importance.IsEmpty ? null : m;
            double wv = 0, vv = 0;
            // Single precision sums of at most 1024 terms, added up in double precision.
            for (int first = 0; first < weights.Length; first += 1024)
            {
                int count = Math.Min(1024, weights.Length - first);
                Moments part = table.IsIndexed ? Project<SimdScalar>(w + first, pm == null ? null : pm + first, count, inverseScale, table)
                    : Vector512.IsHardwareAccelerated ? Project<Simd512>(w + first, pm == null ? null : pm + first, count, inverseScale, table)
                    : Vector256.IsHardwareAccelerated ? Project<Simd256>(w + first, pm == null ? null : pm + first, count, inverseScale, table)
                    : Vector128.IsHardwareAccelerated ? Project<Simd128>(w + first, pm == null ? null : pm + first, count, inverseScale, table)
                    : Project<SimdScalar>(w + first, pm == null ? null : pm + first, count, inverseScale, table);
                wv += part.WeightLevel;
                vv += part.LevelLevel;
            }
            return new Moments(wv, vv);
        }
    }

    /// <summary>The sum of m w^2. In double precision: errors are small differences from it.</summary>
    public static double SquareSum(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance)
    {
        double sum = 0;
        for (int i = 0; i < weights.Length; i++)
            sum += (importance.IsEmpty ? 1.0 : importance[i]) * weights[i] * weights[i];
        return sum;
    }

    /// <summary>The codes of the weights at inverse scale r: codes of w r.</summary>
    public static void Encode(ReadOnlySpan<float> weights, float inverseScale, LevelTable table, Span<byte> codes)
    {
        fixed (float* w = weights)
        fixed (byte* c = codes[..weights.Length])
        {
            if (table.IsIndexed)
                Encode<SimdScalar>(w, inverseScale, table, c, weights.Length);
            else if (Vector512.IsHardwareAccelerated)
                Encode<Simd512>(w, inverseScale, table, c, weights.Length);
            else if (Vector256.IsHardwareAccelerated)
                Encode<Simd256>(w, inverseScale, table, c, weights.Length);
            else if (Vector128.IsHardwareAccelerated)
                Encode<Simd128>(w, inverseScale, table, c, weights.Length);
            else
                Encode<SimdScalar>(w, inverseScale, table, c, weights.Length);
        }
    }

    private static Moments Project<V>(float* w, float* m, int count, float inverseScale, LevelTable table)
        where V : struct, ISimdVector<V>
    {
        ReadOnlySpan<float> values = table.Values, boundaries = table.Boundaries;
        V inverse = V.Broadcast(inverseScale);
        V wv = V.Zero, vv = V.Zero;
        // With one lane all is left to the loop for the rest, which looks large tables up.
        int i = 0, inVectors = V.Lanes == 1 ? 0 : count;
        // Four vectors at a time, so that the additions of one do not wait for those of another.
        for (; i + 4 * V.Lanes <= inVectors; i += 4 * V.Lanes)
        {
            V w0 = V.Load(w + i), w1 = V.Load(w + i + V.Lanes), w2 = V.Load(w + i + 2 * V.Lanes), w3 = V.Load(w + i + 3 * V.Lanes);
            V x0 = V.Multiply(w0, inverse), x1 = V.Multiply(w1, inverse), x2 = V.Multiply(w2, inverse), x3 = V.Multiply(w3, inverse);
            V v0 = V.Broadcast(values[0]), v1 = v0, v2 = v0, v3 = v0;
            for (int j = 0; j < boundaries.Length; j++)
            {
                V bound = V.Broadcast(boundaries[j]), step = V.Broadcast(values[j + 1] - values[j]);
                v0 = V.AddWhereGreater(v0, x0, bound, step);
                v1 = V.AddWhereGreater(v1, x1, bound, step);
                v2 = V.AddWhereGreater(v2, x2, bound, step);
                v3 = V.AddWhereGreater(v3, x3, bound, step);
            }
            Add(m, i, w0, v0, ref wv, ref vv);
            Add(m, i + V.Lanes, w1, v1, ref wv, ref vv);
            Add(m, i + 2 * V.Lanes, w2, v2, ref wv, ref vv);
            Add(m, i + 3 * V.Lanes, w3, v3, ref wv, ref vv);
        }
        for (; i + V.Lanes <= inVectors; i += V.Lanes)
        {
            V w0 = V.Load(w + i);
            V x0 = V.Multiply(w0, inverse);
            V v0 = V.Broadcast(values[0]);
            for (int j = 0; j < boundaries.Length; j++)
                v0 = V.AddWhereGreater(v0, x0, V.Broadcast(boundaries[j]), V.Broadcast(values[j + 1] - values[j]));
            Add(m, i, w0, v0, ref wv, ref vv);
        }
        double wvSum = V.Sum(wv), vvSum = V.Sum(vv);
        for (; i < count; i++)
        {
            float value = values[table.Encode(w[i] * inverseScale)], weight = m == null ? 1 : m[i];
            wvSum += (double)weight * w[i] * value;
            vvSum += (double)weight * value * value;
        }
        return new Moments(wvSum, vvSum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<V>(float* m, int i, V w, V v, ref V wv, ref V vv)
        where V : struct, ISimdVector<V>
    {
        V weighted = m == null ? v : V.Multiply(v, V.Load(m + i));
        wv = V.MultiplyAdd(weighted, w, wv);
        vv = V.MultiplyAdd(weighted, v, vv);
    }

    private static void Encode<V>(float* w, float inverseScale, LevelTable table, byte* codes, int count)
        where V : struct, ISimdVector<V>
    {
        ReadOnlySpan<float> boundaries = table.Boundaries;
        V inverse = V.Broadcast(inverseScale), one = V.Broadcast(1);
        float* lanes = stackalloc float[V.Lanes];
        int i = 0, inVectors = V.Lanes == 1 ? 0 : count;
        for (; i + V.Lanes <= inVectors; i += V.Lanes)
        {
            V x = V.Multiply(V.Load(w + i), inverse);
            V code = V.Zero;
            for (int j = 0; j < boundaries.Length; j++)
                code = V.AddWhereGreater(code, x, V.Broadcast(boundaries[j]), one);
            V.Store(lanes, code);
            for (int lane = 0; lane < V.Lanes; lane++)
                codes[i + lane] = (byte)lanes[lane];
        }
        for (; i < count; i++)
            codes[i] = (byte)table.Encode(w[i] * inverseScale);
    }
}
