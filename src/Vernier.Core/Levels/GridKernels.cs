using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vernier.Memory;
using Vernier.Numerics;

namespace Vernier.Levels;

/// <summary>Rounding of many values on one table.</summary>
internal static unsafe class GridKernels
{
    /// <summary>The inverse scales of one call: enough that none waits for another.</summary>
    public const int Together = 4;

    /// <summary>Sums in single precision have at most so many terms; they are added up in double precision.</summary>
    private const int Piece = 1024;

    /// <summary>The moments of weights w with importance m (all 1 where empty) at inverse scale r: levels v of w r.</summary>
    [SkipLocalsInit]
    public static Moments Project(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, float inverseScale, LevelTable table)
    {
        float* inverse = stackalloc float[Together];
        Moments* moments = stackalloc Moments[Together];
        inverse[0] = inverseScale;
        Project(weights, importance, inverse, 1, table, moments);
        return moments[0];
    }

    /// <summary>The same for several inverse scales, with the same results.</summary>
    public static void Project(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, ReadOnlySpan<float> inverseScales,
        LevelTable table, Span<Moments> moments)
    {
        Touch.Range<Moments>(moments, 0, inverseScales.Length);
        fixed (float* r = inverseScales)
        fixed (Moments* target = moments[..inverseScales.Length])
        {
            for (int first = 0; first < inverseScales.Length; first += Together)
                Project(weights, importance, r + first, Math.Min(Together, inverseScales.Length - first), table, target + first);
        }
    }

    /// <summary>The sum of m w^2. In double precision: errors are small differences from it.</summary>
    public static double SquareSum(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance)
    {
        Touch.Range(importance, 0, importance.IsEmpty ? 0 : weights.Length);
        fixed (float* w = weights, m = importance)
        {
            Vector512<double> sums = Vector512<double>.Zero;
            int i = 0;
            for (; i + 8 <= weights.Length; i += 8)
            {
                Vector512<double> x = Widen(w + i);
                sums += m == null ? x * x : Widen(m + i) * x * x;
            }
            double sum = Vector512.Sum(sums);
            for (; i < weights.Length; i++)
                sum += (m == null ? 1.0 : m[i]) * w[i] * w[i];
            return sum;
        }

        static Vector512<double> Widen(float* source)
        {
            Vector256<float> x = Vector256.Load(source);
            return Vector512.Create(Vector256.WidenLower(x), Vector256.WidenUpper(x));
        }
    }

    /// <summary>The codes of the weights at inverse scale r: codes of w r.</summary>
    public static void Encode(ReadOnlySpan<float> weights, float inverseScale, LevelTable table, Span<byte> codes)
    {
        Touch.Range<byte>(codes, 0, weights.Length);
        fixed (float* w = weights)
        fixed (byte* c = codes[..weights.Length])
        {
            if (Vector512.IsHardwareAccelerated && table.IsRounding)
                Encode<Simd512, RoundingFinder<Simd512>>(new(table), w, inverseScale, table, c, weights.Length);
            else if (Vector512.IsHardwareAccelerated && table.Tree is { Nodes.Length: 16 } small)
                Encode<Simd512, Tree16Finder>(new(small), w, inverseScale, table, c, weights.Length);
            else if (Vector512.IsHardwareAccelerated && table.Tree is LevelTree large)
                Encode<Simd512, Tree32Finder>(new(large), w, inverseScale, table, c, weights.Length);
            else if (Vector256.IsHardwareAccelerated)
                Encode<Simd256>(w, inverseScale, table, c, weights.Length);
            else if (Vector128.IsHardwareAccelerated)
                Encode<Simd128>(w, inverseScale, table, c, weights.Length);
            else
                Encode<SimdScalar>(w, inverseScale, table, c, weights.Length);
        }
    }

    private static void Encode<V>(float* w, float inverseScale, LevelTable table, byte* codes, int count)
        where V : struct, ISimdVector<V>
    {
        if (table.IsRounding)
            Encode<V, RoundingFinder<V>>(new(table), w, inverseScale, table, codes, count);
        else
            Encode<V, CountingFinder<V>>(new(table), w, inverseScale, table, codes, table.IsIndexed ? 0 : count, count);
    }

    private static void Encode<V, F>(F finder, float* w, float inverseScale, LevelTable table, byte* codes, int count)
        where V : struct, ISimdVector<V>
        where F : struct, ILevelFinder<V> => Encode<V, F>(finder, w, inverseScale, table, codes, count, count);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Encode<V, F>(F finder, float* w, float inverseScale, LevelTable table, byte* codes, int inVectors, int count)
        where V : struct, ISimdVector<V>
        where F : struct, ILevelFinder<V>
    {
        V inverse = V.Broadcast(inverseScale);
        int i = 0;
        for (; i + V.Lanes <= inVectors; i += V.Lanes)
            V.StoreBytes(codes + i, finder.Codes(V.Multiply(V.Load(w + i), inverse)));
        for (; i < count; i++)
            codes[i] = (byte)table.Encode(w[i] * inverseScale);
    }

    private static void Project(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, float* inverseScales, int scales,
        LevelTable table, Moments* moments)
    {
        new Span<Moments>(moments, scales).Clear();
        Touch.Range(importance, 0, importance.IsEmpty ? 0 : weights.Length);
        fixed (float* w = weights, m = importance)
        {
            for (int first = 0; first < weights.Length; first += Piece)
            {
                int count = Math.Min(Piece, weights.Length - first);
                float* weighted = importance.IsEmpty ? null : m + first;
                if (Vector512.IsHardwareAccelerated && table.IsRounding)
                    Project<Simd512, RoundingFinder<Simd512>>(
                        new(table), w + first, weighted, count, count, inverseScales, scales, table, moments);
                else if (Vector512.IsHardwareAccelerated && table.Tree is { Nodes.Length: 16 } small)
                    Project<Simd512, Tree16Finder>(new(small), w + first, weighted, count, count, inverseScales, scales, table, moments);
                else if (Vector512.IsHardwareAccelerated && table.Tree is LevelTree large)
                    Project<Simd512, Tree32Finder>(new(large), w + first, weighted, count, count, inverseScales, scales, table, moments);
                else if (Vector512.IsHardwareAccelerated)
                    Project<Simd512>(w + first, weighted, count, inverseScales, scales, table, moments);
                else if (Vector256.IsHardwareAccelerated)
                    Project<Simd256>(w + first, weighted, count, inverseScales, scales, table, moments);
                else if (Vector128.IsHardwareAccelerated)
                    Project<Simd128>(w + first, weighted, count, inverseScales, scales, table, moments);
                else
                    Project<SimdScalar>(w + first, weighted, count, inverseScales, scales, table, moments);
            }
        }
    }

    private static void Project<V>(float* w, float* m, int count, float* inverseScales, int scales, LevelTable table, Moments* moments)
        where V : struct, ISimdVector<V>
    {
        if (table.IsRounding)
            Project<V, RoundingFinder<V>>(new(table), w, m, count, count, inverseScales, scales, table, moments);
        else
            Project<V, CountingFinder<V>>(new(table), w, m, table.IsIndexed ? 0 : count, count, inverseScales, scales, table, moments);
    }

    /// <summary>Adds the moments of a piece. Large tables that no finder does are looked up one by one, as is what fills no
    /// register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Project<V, F>(F finder, float* w, float* m, int inVectors, int count, float* inverseScales, int scales,
        LevelTable table, Moments* moments)
        where V : struct, ISimdVector<V>
        where F : struct, ILevelFinder<V>
    {
        int done = V.Lanes == 1 ? 0 : inVectors / V.Lanes * V.Lanes;
        if (scales == Together)
        {
            V r0 = V.Broadcast(inverseScales[0]), r1 = V.Broadcast(inverseScales[1]), r2 = V.Broadcast(inverseScales[2]),
                r3 = V.Broadcast(inverseScales[3]);
            V wv0 = V.Zero, wv1 = V.Zero, wv2 = V.Zero, wv3 = V.Zero, vv0 = V.Zero, vv1 = V.Zero, vv2 = V.Zero, vv3 = V.Zero;
            for (int i = 0; i < done; i += V.Lanes)
            {
                V weight = V.Load(w + i);
                Add(m, i, weight, finder.Values(V.Multiply(weight, r0)), ref wv0, ref vv0);
                Add(m, i, weight, finder.Values(V.Multiply(weight, r1)), ref wv1, ref vv1);
                Add(m, i, weight, finder.Values(V.Multiply(weight, r2)), ref wv2, ref vv2);
                Add(m, i, weight, finder.Values(V.Multiply(weight, r3)), ref wv3, ref vv3);
            }
            moments[0] = new(moments[0].WeightLevel + V.Sum(wv0), moments[0].LevelLevel + V.Sum(vv0));
            moments[1] = new(moments[1].WeightLevel + V.Sum(wv1), moments[1].LevelLevel + V.Sum(vv1));
            moments[2] = new(moments[2].WeightLevel + V.Sum(wv2), moments[2].LevelLevel + V.Sum(vv2));
            moments[3] = new(moments[3].WeightLevel + V.Sum(wv3), moments[3].LevelLevel + V.Sum(vv3));
        }
        else
        {
            for (int scale = 0; scale < scales; scale++)
            {
                V inverse = V.Broadcast(inverseScales[scale]), wv = V.Zero, vv = V.Zero;
                for (int i = 0; i < done; i += V.Lanes)
                {
                    V weight = V.Load(w + i);
                    Add(m, i, weight, finder.Values(V.Multiply(weight, inverse)), ref wv, ref vv);
                }
                moments[scale] = new(moments[scale].WeightLevel + V.Sum(wv), moments[scale].LevelLevel + V.Sum(vv));
            }
        }
        if (done < count)
            AddRest(w, m, done, count, inverseScales, scales, table, moments);
    }

    private static void AddRest(float* w, float* m, int first, int count, float* inverseScales, int scales, LevelTable table,
        Moments* moments)
    {
        ReadOnlySpan<float> values = table.Values;
        for (int scale = 0; scale < scales; scale++)
        {
            double wv = 0, vv = 0;
            for (int i = first; i < count; i++)
            {
                float value = values[table.Encode(w[i] * inverseScales[scale])], weight = m == null ? 1 : m[i];
                wv += (double)weight * w[i] * value;
                vv += (double)weight * value * value;
            }
            moments[scale] = new(moments[scale].WeightLevel + wv, moments[scale].LevelLevel + vv);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<V>(float* m, int i, V w, V v, ref V wv, ref V vv)
        where V : struct, ISimdVector<V>
    {
        V weighted = m == null ? v : V.Multiply(v, V.Load(m + i));
        wv = V.MultiplyAdd(weighted, w, wv);
        vv = V.MultiplyAdd(weighted, v, vv);
    }
}
