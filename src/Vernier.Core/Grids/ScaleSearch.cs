using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using Vernier.Levels;

namespace Vernier.Grids;

/// <summary>
/// Chooses the scale, and the table where there is a choice, for which the weighted squared error after rounding is least. The error is
/// not convex in the scale: on each table, with either sign, some ratios of the largest level to the largest weight are probed; around the
/// most promising more ratios; and the best of them are followed to where scale and codes fit each other.
/// </summary>
/// <param name="mirror">
/// Whether negative scales are tried too on a table that is not its own mirror image: the additional level then lies on the heavier side,
/// at no cost, since the sign of a scale is stored anyway.
/// </param>
/// <param name="preserveNorm">
/// Whether the scale is at last multiplied by |w| / |q|. The scale of least squared error makes the rounded weights smaller than the
/// original ones, the more so the fewer the levels, and the shrinking adds up from layer to layer.
/// </param>
public sealed class ScaleSearch(bool mirror = true, bool preserveNorm = false) : IScaleFit
{
    private const int Refined = 4;
    private const int Followed = 3;
    private const int MostSteps = 10;

    // The ratios that are probed, for 2 to 8 bits. Few levels make clipping pay (small ratios), and sometimes leaving the outermost
    // level of one side unused (large ones); with many levels the error hardly depends on the ratio.
    private static readonly (double Least, double Most, int Steps)[] s_ratios =
        [(0.25, 2.2, 10), (0.35, 1.5, 9), (0.45, 1.25, 8), (0.55, 1.15, 6), (0.7, 1.1, 5), (0.8, 1.05, 4), (0.85, 1.05, 4)];

    /// <inheritdoc/>
    [SkipLocalsInit]
    public FittedGranule Fit(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, ReadOnlySpan<LevelTable> tables, Span<byte> codes)
    {
        ArgumentOutOfRangeException.ThrowIfZero(tables.Length);
        var trial = new ScaleTrial(weights, importance, tables);
        double largest = LargestThatCounts(weights, importance);
        if (largest == 0)
            return trial.Finish(codes);
        Span<Candidate> promising = stackalloc Candidate[Refined], best = stackalloc Candidate[Followed];
        promising.Fill(Candidate.None);
        best.Fill(Candidate.None);
        for (int table = 0; table < tables.Length; table++)
        {
            double unit = largest / tables[table].LargestValue;
            Coarse(trial, unit, table, tables[table].Bits, promising, best);
            if (mirror && !tables[table].IsOddSymmetric)
                Coarse(trial, -unit, table, tables[table].Bits, promising, best);
        }
        foreach (Candidate candidate in promising)
        {
            if (!double.IsFinite(candidate.Error))
                continue;
            double step = Step(tables[candidate.Table].Bits) * largest / tables[candidate.Table].LargestValue / 3, at = candidate.Probed;
            Probe(trial, [at - 2 * step, at - step, at + step, at + 2 * step], candidate.Table, best);
        }
        foreach (Candidate candidate in best)
        {
            if (double.IsFinite(candidate.Error))
                trial.Follow(candidate.Refit, candidate.Table);
        }
        return trial.Finish(codes, preserveNorm);
    }

    private static double Step(int bits)
    {
        (double least, double most, int steps) = s_ratios[bits - 2];
        return (most - least) / (steps - 1);
    }

    /// <summary>Probes one table with one sign; its best goes to the promising ones, and all compete for the best.</summary>
    [SkipLocalsInit]
    private static void Coarse(in ScaleTrial trial, double unit, int table, int bits, Span<Candidate> promising, Span<Candidate> best)
    {
        (double least, _, int steps) = s_ratios[bits - 2];
        double step = Step(bits);
        Span<double> scales = stackalloc double[MostSteps];
        for (int i = 0; i < steps; i++)
            scales[i] = unit * (least + step * i);
        Candidate.Keep(promising, Probe(trial, scales[..steps], table, best));
    }

    private static double LargestThatCounts(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance)
    {
        if (importance.IsEmpty)
            return Math.Abs(TensorPrimitives.MaxMagnitude(weights));
        double largest = 0;
        for (int i = 0; i < weights.Length; i++)
            largest = importance[i] > 0 ? Math.Max(largest, Math.Abs(weights[i])) : largest;
        return largest;
    }

    /// <summary>
    /// For each of some scales the best scale for the codes that it gives, and the error that it leaves with these codes; all compete for
    /// the
    /// best ones, and the best of all is returned.
    /// </summary>
    [SkipLocalsInit]
    private static Candidate Probe(in ScaleTrial trial, ReadOnlySpan<double> scales, int table, Span<Candidate> best)
    {
        Span<Moments> moments = stackalloc Moments[scales.Length];
        trial.Probe(scales, table, moments);
        Candidate most = Candidate.None;
        for (int i = 0; i < scales.Length; i++)
        {
            // A scale of 0 gives no codes.
            if (scales[i] == 0 || !(moments[i].LevelLevel > 0))
                continue;
            double refit = moments[i].WeightLevel / moments[i].LevelLevel;
            var candidate = new Candidate(trial.Squares - refit * moments[i].WeightLevel, scales[i], refit, table);
            Candidate.Keep(best, candidate);
            if (candidate.Error < most.Error)
                most = candidate;
        }
        return most;
    }

    private readonly record struct Candidate(double Error, double Probed, double Refit, int Table)
    {
        public static Candidate None => new(double.PositiveInfinity, 0, 0, 0);

        /// <summary>Puts a candidate into a list in ascending order of the error, if it is better than the last.</summary>
        public static void Keep(Span<Candidate> list, in Candidate candidate)
        {
            if (!(candidate.Error < list[^1].Error))
                return;
            for (int i = 0; i < list.Length; i++)
            {
                if (candidate.Error < list[i].Error)
                {
                    list[i..^1].CopyTo(list[(i + 1)..]);
                    list[i] = candidate;
                    return;
                }
            }
        }
    }
}
