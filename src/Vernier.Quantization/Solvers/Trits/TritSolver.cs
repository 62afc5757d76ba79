using System.Numerics;
using System.Runtime.CompilerServices;
using Vernier.Memory;

namespace Vernier.Quantization.Solvers.Trits;

/// <summary>The scales of a group, and the error that is left.</summary>
/// <param name="First">a_1.</param>
/// <param name="Second">a_2.</param>
/// <param name="Error">Sum of m (w - a_1 t_1 - a_2 t_2)^2, with the scales as they are stored.</param>
/// <param name="Errors">The same after each round, with scales in single precision: it never rises. Empty unless asked for.</param>
internal readonly record struct TritFit(Half First, Half Second, double Error, IReadOnlyList<double> Errors);

/// <summary>
/// PTQTP: w ~ a_1 t_1 + a_2 t_2 with trits t. From t_1 = t_2 = sign(w) in turn the scales a = (S^T S + l I)^-1 S^T w, S = [t_1 t_2], where
/// l grows tenfold from 1e-8
/// to 1 while ||A|| ||A^-1|| (Frobenius) exceeds 1e6; and of each weight the best of the nine pairs of trits, of equals the first in the
/// order (-1, -1), (-1, 0) ..
/// (1, 1). It ends when the scales move by less than 1e-4 of the group's root mean square, after 50 rounds, or before one with which the
/// error would rise. Then the
/// scales are rounded as they are stored, and trits are chosen once more.
/// <para>H. Xiao et al.: PTQTP: post-training quantization to trit-planes for large language models, 2025. The order of ties, the limit of
/// the condition number, of
/// which accounts differ, the measure of when to end, weights m of columns, and the last choice of trits are ours.</para>
/// </summary>
internal static class TritSolver
{
    private const int MaxRounds = 50;
    private const double Tolerance = 1e-4, FirstRidge = 1e-8, LastRidge = 1, MostCondition = 1e6;

    /// <summary>Solves a group.</summary>
    /// <param name="weights">w, normalised.</param>
    /// <param name="importance">m, none negative; empty where all weights count alike.</param>
    /// <param name="first">Receives t_1.</param>
    /// <param name="second">Receives t_2.</param>
    /// <param name="trace">Whether to return the error after each round.</param>
    public static TritFit Solve(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, Span<sbyte> first, Span<sbyte> second,
        bool trace = false)
    {
        // Whole registers; what is beyond the group counts 0.
        int count = weights.Length, padded = (count + Vector<float>.Count - 1) / Vector<float>.Count * Vector<float>.Count;
        using var buffer = new PooledArray<float>(6 * padded);
        buffer.Span.Clear();
        Span<float> w = buffer.Span[..padded], m = buffer.Span.Slice(padded, padded);
        Span<float> t1 = buffer.Span.Slice(2 * padded, padded), t2 = buffer.Span.Slice(3 * padded, padded),
            next1 = buffer.Span.Slice(4 * padded, padded), next2 = buffer.Span.Slice(5 * padded, padded);
        weights.CopyTo(w);
        if (importance.IsEmpty)
            m[..count].Fill(1);
        else
            importance.CopyTo(m);
        double squares = 0, mass = 0;
        for (int i = 0; i < count; i++)
        {
            t1[i] = t2[i] = Math.Sign(w[i]);
            squares += (double)m[i] * w[i] * w[i];
            mass += m[i];
        }
        var errors = new List<double>();
        if (squares == 0)
        {
            first.Clear();
            second.Clear();
            return new TritFit(Half.Zero, Half.Zero, 0, errors);
        }
        double tolerance = Tolerance * Math.Sqrt(squares / mass), least = double.PositiveInfinity;
        (double A1, double A2) scales = (1, 1), kept = default;
        Sums sums = Add(w, m, t1, t2);
        for (int round = 0; round < MaxRounds; round++)
        {
            (double A1, double A2) fitted = Ridge(sums);
            Assign(w, (float)fitted.A1, (float)fitted.A2, next1, next2);
            Sums after = Add(w, m, next1, next2);
            double error = after.Error(squares, fitted.A1, fitted.A2),
                moved = Math.Sqrt(Math.Pow(fitted.A1 - scales.A1, 2) + Math.Pow(fitted.A2 - scales.A2, 2));
            if (!(error <= least))
                break;
            (least, kept, scales, sums) = (error, fitted, fitted, after);
            if (trace)
                errors.Add(error);
            if (moved < tolerance)
                break;
        }
        Half a1 = (Half)kept.A1, a2 = (Half)kept.A2;
        Assign(w, (float)a1, (float)a2, t1, t2);
        for (int i = 0; i < count; i++)
            (first[i], second[i]) = ((sbyte)t1[i], (sbyte)t2[i]);
        return new TritFit(a1, a2, Math.Max(0, Add(w, m, t1, t2).Error(squares, (double)a1, (double)a2)), errors);
    }

    private static (double A1, double A2) Ridge(Sums sums)
    {
        for (double ridge = FirstRidge; ; ridge = Math.Min(LastRidge, 10 * ridge))
        {
            double a = sums.T11 + ridge, b = sums.T12, c = sums.T22 + ridge, determinant = a * c - b * b;
            // Of 2 x 2 matrices ||A^-1|| = ||A|| / |A|.
            if (ridge >= LastRidge || (determinant > 0 && a * a + 2 * b * b + c * c <= MostCondition * determinant))
                return ((c * sums.W1 - b * sums.W2) / determinant, (a * sums.W2 - b * sums.W1) / determinant);
        }
    }

    /// <summary>The pair of trits of each weight for which (w - a_1 t_1 - a_2 t_2)^2 is least.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Assign(ReadOnlySpan<float> w, float a1, float a2, Span<float> t1, Span<float> t2)
    {
        for (int i = 0; i < w.Length; i += Vector<float>.Count)
        {
            var x = new Vector<float>(w[i..]);
            Vector<float> best = new(float.PositiveInfinity), best1 = Vector<float>.Zero, best2 = Vector<float>.Zero;
            for (int trit1 = -1; trit1 <= 1; trit1++)
            {
                for (int trit2 = -1; trit2 <= 1; trit2++)
                {
                    Vector<float> distance = Vector.Abs(x - new Vector<float>(a1 * trit1 + a2 * trit2));
                    Vector<int> better = Vector.LessThan(distance, best);
                    best = Vector.ConditionalSelect(better, distance, best);
                    best1 = Vector.ConditionalSelect(better, new Vector<float>(trit1), best1);
                    best2 = Vector.ConditionalSelect(better, new Vector<float>(trit2), best2);
                }
            }
            best1.CopyTo(t1[i..]);
            best2.CopyTo(t2[i..]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Sums Add(ReadOnlySpan<float> w, ReadOnlySpan<float> m, ReadOnlySpan<float> t1, ReadOnlySpan<float> t2)
    {
        Vector<float> s11 = default, s12 = default, s22 = default, w1 = default, w2 = default;
        for (int i = 0; i < w.Length; i += Vector<float>.Count)
        {
            Vector<float> x = new(w[i..]), weight = new(m[i..]), a = new(t1[i..]), b = new(t2[i..]), weightedA = weight * a,
                weightedB = weight * b;
            s11 += weightedA * a;
            s12 += weightedA * b;
            s22 += weightedB * b;
            w1 += weightedA * x;
            w2 += weightedB * x;
        }
        return new Sums(Vector.Sum(s11), Vector.Sum(s12), Vector.Sum(s22), Vector.Sum(w1), Vector.Sum(w2));
    }

    /// <summary>Sums of m t t and of m t w.</summary>
    private readonly record struct Sums(double T11, double T12, double T22, double W1, double W2)
    {
        public double Error(double squares, double a1, double a2) =>
            squares - 2 * (a1 * W1 + a2 * W2) + a1 * a1 * T11 + 2 * a1 * a2 * T12 + a2 * a2 * T22;
    }
}
