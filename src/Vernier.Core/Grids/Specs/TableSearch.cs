using Vernier.Levels;
using Vernier.Numerics;

namespace Vernier.Grids.Specs;

/// <summary>
/// The choice of level tables by the squared error that they leave on samples, after rounding at the best scales. Where each granule may
/// choose among several tables, the set is
/// built greedily: each table is the one that lowers the error most, every granule taking the best it has; then each is exchanged for a
/// better one while there is one.
/// </summary>
/// <param name="samples">The samples.</param>
/// <param name="fit">How the scale of a granule is chosen.</param>
/// <param name="workers">Who measures.</param>
public sealed class TableSearch(IReadOnlyList<GranuleSample> samples, IScaleFit fit, Workers workers)
{
    private const int Exchanges = 3, Chunk = 32;

    /// <summary>The squared error that a table leaves on all samples.</summary>
    public double Error(LevelTable table) => Errors(table).Sum();

    /// <summary>The table of least error; of equals the first. Nothing is measured where there is only one.</summary>
    /// <param name="candidates">At least one table.</param>
    public LevelTable One(IReadOnlyList<LevelTable> candidates)
    {
        ArgumentNullException.ThrowIfNull(candidates);
        LevelTable best = candidates[0];
        double least = double.PositiveInfinity;
        for (int i = 0; i < candidates.Count && candidates.Count > 1; i++)
        {
            double error = Error(candidates[i]);
            if (error < least)
                (best, least) = (candidates[i], error);
        }
        return best;
    }

    /// <summary>So many tables among which each granule may choose, in the order of the candidates.</summary>
    /// <param name="candidates">At least one table.</param>
    /// <param name="tables">How many.</param>
    public LevelTable[] Several(IReadOnlyList<LevelTable> candidates, int tables)
    {
        ArgumentNullException.ThrowIfNull(candidates);
        List<double[]> errors = [.. candidates.Select(Errors)];
        var chosen = new int[tables];
        for (int i = 0; i < tables; i++)
            chosen[i] = Best(errors, chosen.AsSpan(0, i));
        bool changed = true;
        for (int round = 0; round < Exchanges && changed; round++)
        {
            changed = false;
            for (int i = 0; i < tables; i++)
            {
                int better = Best(errors, [.. chosen[..i], .. chosen[(i + 1)..]]);
                changed |= better != chosen[i];
                chosen[i] = better;
            }
        }
        Array.Sort(chosen);
        return Array.ConvertAll(chosen, index => candidates[index]);
    }

    /// <summary>The candidate that leaves the least error where each granule takes the better of it and the ones already chosen.</summary>
    private static int Best(List<double[]> errors, ReadOnlySpan<int> chosen)
    {
        double[] current = new double[errors[0].Length];
        Array.Fill(current, double.PositiveInfinity);
        foreach (int index in chosen)
        {
            for (int i = 0; i < current.Length; i++)
                current[i] = Math.Min(current[i], errors[index][i]);
        }
        int best = 0;
        double least = double.PositiveInfinity;
        for (int candidate = 0; candidate < errors.Count; candidate++)
        {
            double sum = 0;
            for (int i = 0; i < current.Length; i++)
                sum += Math.Min(current[i], errors[candidate][i]);
            if (sum < least)
                (best, least) = (candidate, sum);
        }
        return best;
    }

    // The squared error that a table leaves on each granule of the samples.
    private double[] Errors(LevelTable table)
    {
        var errors = new double[samples.Sum(sample => sample.Count)];
        int offset = 0;
        foreach (GranuleSample sample in samples)
        {
            int first = offset;
            workers.For((sample.Count + Chunk - 1) / Chunk, chunk =>
            {
                for (int i = chunk * Chunk; i < Math.Min(sample.Count, (chunk + 1) * Chunk); i++)
                    errors[first + i] = sample.ErrorUnit * fit.Fit(sample.Weights(i), default, [table], default).Error;
            });
            offset += sample.Count;
        }
        return errors;
    }
}
