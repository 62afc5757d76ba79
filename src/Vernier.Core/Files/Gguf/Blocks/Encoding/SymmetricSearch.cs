using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vernier.Files.Gguf.Blocks.Encoding;

/// <summary>
/// What a search found for a group: weights are about Scale x level, and the level of x is Nearest(Inverse x). Inverse is no number where
/// all weights are negligible.
/// </summary>
internal readonly record struct SymmetricFit(float Scale, float Inverse);

/// <summary>
/// ggml's search for the scale of a group of weights x with importance m and levels -<paramref name="most"/> .. <paramref name="most"/> -
/// 1: levels
/// are taken at inverse scales around that which gives the largest weight the level -most, -(most + 0.1 k) / largest, and for each the
/// best scale by least squares is (sum m x l) / (sum m l^2); the one that explains most is taken.
/// </summary>
/// <param name="most">Half the number of levels.</param>
internal sealed class SymmetricSearch(int most)
{
    /// <summary>A group whose largest weight is less counts as zero.</summary>
    public const float Negligible = 1e-15f;

    private const int Trials = 9;

    /// <summary>The plain definition.</summary>
    /// <param name="x">The weights.</param>
    /// <param name="m">The importance of each.</param>
    public SymmetricFit Find(ReadOnlySpan<float> x, ReadOnlySpan<float> m)
    {
        float largest = Largest(x);
        if (MathF.Abs(largest) < Negligible)
            return new SymmetricFit(0, float.NaN);
        float inverse = -most / largest, bestInverse = inverse;
        (float sumXL, float sumLL) = Moments(x, m, inverse);
        float scale = sumLL != 0 ? sumXL / sumLL : 0, best = scale * sumXL;
        for (int k = -Trials; k <= Trials; k++)
        {
            if (k == 0)
                continue;
            inverse = -(most + 0.1f * k) / largest;
            (sumXL, sumLL) = Moments(x, m, inverse);
            if (sumLL > 0 && sumXL * sumXL > best * sumLL)
            {
                scale = sumXL / sumLL;
                best = scale * sumXL;
                bestInverse = inverse;
            }
        }
        return new SymmetricFit(scale, bestInverse);
    }

    /// <summary>The code of a number under a fit, as the search had it: where all are negligible code 0, not level 0.</summary>
    public int Code(in SymmetricFit fit, float x) =>
        float.IsNaN(fit.Inverse) ? 0 : Rounding.Nearest(fit.Inverse * x, -most, most - 1) + most;

    /// <summary>Finds the fits of many groups of the same size, with the same bits as one by one: a group is a lane.</summary>
    /// <param name="x">The groups, one after the other.</param>
    /// <param name="m">The importance of each weight.</param>
    /// <param name="columns">The weights of a group, at most 32.</param>
    /// <param name="fits">Receives a fit for each group.</param>
    public void FindAll(ReadOnlySpan<float> x, ReadOnlySpan<float> m, int columns, Span<SymmetricFit> fits)
    {
        Span<Vector<float>> turned = stackalloc Vector<float>[columns], importance = stackalloc Vector<float>[columns];
        Span<float> scales = stackalloc float[Vector<float>.Count], inverses = stackalloc float[scales.Length];
        for (int group = 0; group < fits.Length; group += scales.Length)
        {
            LaneBuffer.Turn(x[(group * columns)..], columns, turned);
            LaneBuffer.Turn(m[(group * columns)..], columns, importance);
            FindLanes(turned, importance, scales, inverses);
            for (int lane = 0; lane < Math.Min(scales.Length, fits.Length - group); lane++)
                fits[group + lane] = new SymmetricFit(scales[lane], inverses[lane]);
        }
    }

    /// <summary>The weight of largest magnitude, of equal ones the first; 0 where none is above 0.</summary>
    internal static float Largest(ReadOnlySpan<float> x)
    {
        float most = 0, largest = 0;
        foreach (float value in x)
        {
            if (MathF.Abs(value) > most)
                (most, largest) = (MathF.Abs(value), value);
        }
        return largest;
    }

    /// <summary>The same in all lanes.</summary>
    internal static Vector<float> Largest(ReadOnlySpan<Vector<float>> x)
    {
        Vector<float> most = Vector<float>.Zero, largest = Vector<float>.Zero;
        foreach (Vector<float> value in x)
        {
            Vector<float> size = Vector.Abs(value);
            Vector<int> larger = Vector.GreaterThan(size, most);
            most = Vector.ConditionalSelect(larger, size, most);
            largest = Vector.ConditionalSelect(larger, value, largest);
        }
        return largest;
    }

    private (float WeightLevel, float LevelLevel) Moments(ReadOnlySpan<float> x, ReadOnlySpan<float> m, float inverse)
    {
        float sumXL = 0, sumLL = 0;
        for (int i = 0; i < x.Length; i++)
        {
            int l = Rounding.Nearest(inverse * x[i], -most, most - 1);
            sumXL += m[i] * x[i] * l;
            sumLL += m[i] * l * l;
        }
        return (sumXL, sumLL);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FindLanes(ReadOnlySpan<Vector<float>> x, ReadOnlySpan<Vector<float>> m, Span<float> scales, Span<float> inverses)
    {
        Vector<float> zero = Vector<float>.Zero, largest = Largest(x), scale = zero, best = zero, bestInverse = zero;
        Vector<int> low = new(-most), high = new(most - 1);
        // The trial without a shift comes first and is taken as it is.
        for (int k = -Trials - 1; k <= Trials; k++)
        {
            if (k == 0)
                continue;
            bool start = k < -Trials;
            Vector<float> inverse = new Vector<float>(start ? -most : -(most + 0.1f * k)) / largest, sumXL = zero, sumLL = zero;
            for (int i = 0; i < x.Length; i++)
            {
                Vector<float> l = Rounding.Nearest(inverse * x[i], low, high);
                sumXL += m[i] * x[i] * l;
                sumLL += m[i] * l * l;
            }
            Vector<int> better = start ? Vector.OnesComplement(Vector.Equals(sumLL, zero))
                : Vector.GreaterThan(sumLL, zero) & Vector.GreaterThan(sumXL * sumXL, best * sumLL);
            scale = Vector.ConditionalSelect(better, sumXL / sumLL, scale);
            if (start)
                better = Vector<int>.AllBitsSet;
            best = Vector.ConditionalSelect(better, scale * sumXL, best);
            bestInverse = Vector.ConditionalSelect(better, inverse, bestInverse);
        }
        Vector<int> negligible = Vector.LessThan(Vector.Abs(largest), new Vector<float>(Negligible));
        LaneBuffer.Store(Vector.ConditionalSelect(negligible, zero, scale), scales);
        LaneBuffer.Store(Vector.ConditionalSelect(negligible, new Vector<float>(float.NaN), bestInverse), inverses);
    }
}
