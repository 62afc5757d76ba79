using System.Numerics.Tensors;

namespace Vernier.Grids;

/// <summary>
/// Chooses the scale, and the table where there is a choice, for which the weighted squared error after rounding is least. The error is
/// not convex in the scale: on each table many ratios of the largest level to the largest weight are probed, and the most promising
/// are followed to where scale and codes fit each other.
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
    private const int Followed = 3;

    // The ratios that are probed, for 2 to 8 bits. Few levels make clipping pay (small ratios), and sometimes leaving the outermost
    // level of one side unused (large ones); with many levels the error hardly depends on the ratio.
    private static readonly (double Least, double Most, int Steps)[] s_ratios =
        [(0.25, 2.2, 24), (0.35, 1.5, 24), (0.45, 1.25, 24), (0.55, 1.15, 16), (0.7, 1.1, 12), (0.8, 1.05, 8), (0.85, 1.05, 8)];

    /// <inheritdoc/>
    public FittedGranule Fit(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, ReadOnlySpan<LevelTable> tables, Span<byte> codes)
    {
        ArgumentOutOfRangeException.ThrowIfZero(tables.Length);
        var trial = new ScaleTrial(weights, importance, tables);
        double largest = LargestThatCounts(weights, importance);
        if (largest == 0)
            return trial.Finish(codes);
        Span<(double Error, double Scale, int Table)> best = stackalloc (double, double, int)[Followed];
        best.Fill((double.PositiveInfinity, 0, 0));
        for (int table = 0; table < tables.Length; table++)
        {
            double unit = largest / tables[table].LargestValue;
            (double least, double most, int steps) = s_ratios[tables[table].Bits - 2];
            bool bothSigns = mirror && !tables[table].IsOddSymmetric;
            for (int i = 0; i < steps; i++)
            {
                double scale = unit * (least + (most - least) * i / (steps - 1));
                Probe(trial, scale, table, best);
                if (bothSigns)
                    Probe(trial, -scale, table, best);
            }
        }
        foreach ((double error, double scale, int table) in best)
        {
            if (double.IsFinite(error))
                trial.Follow(scale, table);
        }
        return trial.Finish(codes, preserveNorm);
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

    /// <summary>Keeps the scales with the least errors, in ascending order of the error.</summary>
    private static void Probe(in ScaleTrial trial, double scale, int table, Span<(double Error, double Scale, int Table)> best)
    {
        Moments moments = trial.Probe(scale, table);
        if (!(moments.LevelLevel > 0))
            return;
        double refit = moments.WeightLevel / moments.LevelLevel, error = trial.Squares - refit * moments.WeightLevel;
        for (int i = 0; i < best.Length; i++)
        {
            if (error < best[i].Error)
            {
                best[i..^1].CopyTo(best[(i + 1)..]);
                best[i] = (error, refit, table);
                return;
            }
        }
    }
}
