using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vernier.Files.Gguf.Blocks.Encoding;

/// <summary>What a search found for a group: weights are about Scale x code - Min, and the code of x is Nearest(Inverse (x -
/// Base)).</summary>
internal readonly record struct AffineFit(float Scale, float Min, float Inverse, float Base);

/// <summary>
/// ggml's search for the scale and the minimum of a group of weights x with importance m and codes 0 .. <paramref name="most"/>: codes are
/// taken at
/// several inverse scales around the largest that fits, (most + first + step k) / (max - min), and the scale and minimum that are best for
/// the
/// codes by least squares replace those found so far where the error, the sum of m (scale code - min - x)^2, is less.
/// </summary>
/// <param name="most">The largest code.</param>
/// <param name="first">What is added to it in the first trial.</param>
/// <param name="step">What is added more in each further trial.</param>
/// <param name="steps">The number of trials less one.</param>
/// <param name="absolute">Whether the error is that of the absolute values, not squares.</param>
/// <param name="guarded">Whether numbers are brought into the range of codes before they are rounded, which matters where a trial breaks
/// down.</param>
internal sealed class AffineSearch(int most, float first, float step, int steps, bool absolute, bool guarded)
{
    /// <summary>The plain definition.</summary>
    public AffineFit Find(ReadOnlySpan<float> x, ReadOnlySpan<float> m)
    {
        Span<int> trial = stackalloc int[x.Length];
        float min = x[0], max = x[0], sumM = m[0], sumX = sumM * x[0];
        for (int i = 1; i < x.Length; i++)
        {
            min = x[i] < min ? x[i] : min;
            max = x[i] > max ? x[i] : max;
            sumM += m[i];
            sumX += m[i] * x[i];
        }
        min = min > 0 ? 0 : min;
        if (guarded ? max <= min : max == min)
            return new AffineFit(0, -min, 0, 0);
        float inverse = most / (max - min), scale = 1 / inverse, best = 0, bestInverse = inverse, bestBase = min;
        for (int i = 0; i < x.Length; i++)
            best += m[i] * Loss(scale * Rounding.Nearest(inverse * (x[i] - min), 0, most) + min - x[i]);
        for (int k = 0; k <= steps; k++)
        {
            inverse = (first + step * k + most) / (max - min);
            float sumL = 0, sumLL = 0, sumXL = 0;
            for (int i = 0; i < x.Length; i++)
            {
                float v = inverse * (x[i] - min);
                int l = trial[i] = !guarded ? Rounding.Nearest(v, 0, most) : v > 0 ? Rounding.Nearest(v < most ? v : most) : 0;
                sumL += m[i] * l;
                sumLL += m[i] * l * l;
                sumXL += m[i] * l * x[i];
            }
            float determinant = sumM * sumLL - sumL * sumL;
            if (!(determinant > 0))
                continue;
            float trialScale = (sumM * sumXL - sumX * sumL) / determinant, trialMin = (sumLL * sumX - sumL * sumXL) / determinant;
            if (trialMin > 0)
                (trialMin, trialScale) = (0, sumXL / sumLL);
            float error = 0;
            for (int i = 0; i < x.Length; i++)
                error += m[i] * Loss(trialScale * trial[i] + trialMin - x[i]);
            if (error < best)
                (best, bestInverse, bestBase, scale, min) = (error, inverse, min, trialScale, trialMin);
        }
        return new AffineFit(scale, -min, bestInverse, bestBase);
    }

    /// <summary>The code of a number under a fit, as the search had it.</summary>
    public int Code(in AffineFit fit, float x) => Rounding.Nearest(fit.Inverse * (x - fit.Base), 0, most);

    /// <summary>Finds the fits of many groups of the same size, with the same bits as one by one: a group is a lane.</summary>
    /// <param name="x">The groups, one after the other.</param>
    /// <param name="m">The importance of each weight.</param>
    /// <param name="columns">The weights of a group, at most 32.</param>
    /// <param name="fits">Receives a fit for each group.</param>
    public void FindAll(ReadOnlySpan<float> x, ReadOnlySpan<float> m, int columns, Span<AffineFit> fits)
    {
        Span<Vector<float>> turned = stackalloc Vector<float>[columns], importance = stackalloc Vector<float>[columns];
        Span<float> scales = stackalloc float[Vector<float>.Count], mins = stackalloc float[scales.Length],
            inverses = stackalloc float[scales.Length], bases = stackalloc float[scales.Length];
        for (int group = 0; group < fits.Length; group += scales.Length)
        {
            LaneBuffer.Turn(x[(group * columns)..], columns, turned);
            LaneBuffer.Turn(m[(group * columns)..], columns, importance);
            FindLanes(turned, importance, scales, mins, inverses, bases);
            for (int lane = 0; lane < Math.Min(scales.Length, fits.Length - group); lane++)
                fits[group + lane] = new AffineFit(scales[lane], mins[lane], inverses[lane], bases[lane]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FindLanes(ReadOnlySpan<Vector<float>> x, ReadOnlySpan<Vector<float>> m, Span<float> scales, Span<float> mins,
        Span<float> inverses, Span<float> bases)
    {
        Span<Vector<float>> trial = stackalloc Vector<float>[x.Length];
        Vector<float> zero = Vector<float>.Zero, most1 = new(most);
        Vector<int> most0 = new(most), zero0 = Vector<int>.Zero;
        Vector<float> min = x[0], max = x[0], sumM = m[0], sumX = sumM * x[0];
        for (int i = 1; i < x.Length; i++)
        {
            min = Vector.ConditionalSelect(Vector.LessThan(x[i], min), x[i], min);
            max = Vector.ConditionalSelect(Vector.GreaterThan(x[i], max), x[i], max);
            sumM += m[i];
            sumX += m[i] * x[i];
        }
        min = Vector.ConditionalSelect(Vector.GreaterThan(min, zero), zero, min);
        Vector<int> constant = guarded ? Vector.LessThanOrEqual(max, min) : Vector.Equals(max, min);
        Vector<float> least = min, inverse = most1 / (max - min), scale = Vector<float>.One / inverse, best = zero, bestInverse = inverse,
            bestBase = min;
        for (int i = 0; i < x.Length; i++)
            best += m[i] * Loss(scale * Rounding.Nearest(inverse * (x[i] - min), zero0, most0) + min - x[i]);
        for (int k = 0; k <= steps; k++)
        {
            inverse = new Vector<float>(first + step * k + most) / (max - min);
            Vector<float> sumL = zero, sumLL = zero, sumXL = zero;
            for (int i = 0; i < x.Length; i++)
            {
                Vector<float> v = inverse * (x[i] - min);
                if (guarded)
                {
                    v = Vector.ConditionalSelect(Vector.LessThan(v, most1), v, most1);
                    v = Vector.ConditionalSelect(Vector.GreaterThan(inverse * (x[i] - min), zero), v, zero);
                }
                Vector<float> l = Rounding.Nearest(v, zero0, most0), ml = m[i] * l;
                trial[i] = l;
                sumL += ml;
                sumLL += ml * l;
                sumXL += ml * x[i];
            }
            Vector<float> determinant = sumM * sumLL - sumL * sumL;
            Vector<float> trialScale = (sumM * sumXL - sumX * sumL) / determinant, trialMin = (sumLL * sumX - sumL * sumXL) / determinant;
            Vector<int> positive = Vector.GreaterThan(trialMin, zero);
            trialScale = Vector.ConditionalSelect(positive, sumXL / sumLL, trialScale);
            trialMin = Vector.ConditionalSelect(positive, zero, trialMin);
            Vector<float> error = zero;
            for (int i = 0; i < x.Length; i++)
                error += m[i] * Loss(trialScale * trial[i] + trialMin - x[i]);
            Vector<int> better = Vector.GreaterThan(determinant, zero) & Vector.LessThan(error, best);
            best = Vector.ConditionalSelect(better, error, best);
            bestInverse = Vector.ConditionalSelect(better, inverse, bestInverse);
            bestBase = Vector.ConditionalSelect(better, min, bestBase);
            scale = Vector.ConditionalSelect(better, trialScale, scale);
            min = Vector.ConditionalSelect(better, trialMin, min);
        }
        LaneBuffer.Store(Vector.ConditionalSelect(constant, zero, scale), scales);
        LaneBuffer.Store(-Vector.ConditionalSelect(constant, least, min), mins);
        LaneBuffer.Store(Vector.ConditionalSelect(constant, zero, bestInverse), inverses);
        LaneBuffer.Store(Vector.ConditionalSelect(constant, zero, bestBase), bases);
    }

    private float Loss(float difference) => absolute ? MathF.Abs(difference) : difference * difference;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector<float> Loss(Vector<float> difference) => absolute ? Vector.Abs(difference) : difference * difference;
}
