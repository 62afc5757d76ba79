using Vernier.Grids;
using Vernier.Grids.Minifloat;
using Vernier.Grids.NormalFloat;
using Vernier.Grids.Power;
using Vernier.Grids.Uniform;
using Vernier.Levels;
using Vernier.Numerics;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers.Codebooks;

namespace Vernier.Quantization.Solvers;

/// <summary>
/// The data-free search of PowerQuant and NUPES: the grid whose squared error on the weights, after rounding at the best scales, is
/// least. Of a power grid exponents are tried from 0.3 to 1.2, on every layout and offset that the recipe allows; a = 1, the uniform grid, is among them, so that on the sample the result is never worse than uniform; of minifloats
/// all formats.
/// <para>Where each granule may choose among several tables, the set is built greedily: each table is the one that lowers the error most,
/// every granule taking the best it has; then each is exchanged for a better one while there is one.</para>
/// </summary>
public sealed class GridSearch(GridPart part, int bits, int tables, RoundingRule rounding)
{
    private const double ExponentStep = 0.1;
    private const double FinestStep = 0.0125;
    private const int Exchanges = 3;

    // With it the largest weight of a matrix has a scale in the upper half of what E4M3 holds, 0 to 448.
    private const float RangeOfE4M3 = 256;

    private static readonly double[] s_exponents = [1.2, 1.1, 1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3];

    private static readonly double[] s_offsets = [0, 0.1, 0.2, 0.3, 0.4, 0.5];

    private readonly IScaleFit _fit = part.ScaleFormat == ScaleFormat.Half ? new ScaleSearch(part.Mirror) : new FormatScale(part.ScaleFormat);

    /// <summary>Whether there is anything to choose.</summary>
    public bool IsNeeded => part.Kind == GridKind.Codebook || part.Layouts.Count > 1 || part.FormatsFor(bits).Count > 1 || (part.Kind == GridKind.Power && (part.Exponent is null || part.Layouts[0] == LevelLayout.Offset));

    /// <summary>The tables that serve all samples best: as many as a granule may choose from.</summary>
    public LevelTable[] Choose(IReadOnlyList<GranuleSample> samples)
    {
        ArgumentNullException.ThrowIfNull(samples);
        if (part.Kind == GridKind.Codebook)
            return new CodebookSearch(bits, tables, part.Mirror).Choose(samples);
        if (!IsNeeded || tables == 1)
            return [ChooseOne(samples)];
        List<LevelTable> candidates = [.. part.Layouts.SelectMany(Candidates)];
        List<double[]> errors = candidates.ConvertAll(table => Errors(samples, table));
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

    private IEnumerable<LevelTable> Candidates(LevelLayout layout)
    {
        if (part.Kind != GridKind.Power)
            return Array.ConvertAll(Simple(layout), table => part.ScaleFormat == ScaleFormat.E4M3 ? table.WithUnit(table.Unit / RangeOfE4M3) : table);
        double[] exponents = part.Exponent is double given ? [given] : s_exponents;
        double[] offsets = layout == LevelLayout.Offset ? s_offsets : [0];
        return exponents.SelectMany(exponent => offsets.Select(offset => PowerGrid.Create(bits, layout, exponent, offset, rounding)));
    }

    private LevelTable[] Simple(LevelLayout layout) => part.Kind switch
    {
        GridKind.Minifloat => [.. part.FormatsFor(bits).Select(MinifloatGrid.Create)],
        GridKind.NormalFloat => [NormalFloatGrid.Create(bits)],
        _ => [UniformGrid.Create(bits, layout)],
    };

    /// <summary>
    /// One table for all granules: of each layout the best exponent without an offset, then the best offset for it, then the exponent
    /// once more in halved steps.
    /// </summary>
    private LevelTable ChooseOne(IReadOnlyList<GranuleSample> samples)
    {
        (LevelTable? Table, double Error) best = (null, double.PositiveInfinity);
        foreach (LevelLayout layout in part.Layouts)
        {
            if (part.Kind != GridKind.Power)
            {
                foreach (LevelTable table in Candidates(layout))
                    Try(table);
                continue;
            }
            (double exponent, double offset, double least) = (1, 0, double.PositiveInfinity);
            foreach (double candidate in part.Exponent is double given ? [given] : s_exponents)
                TryPower(candidate, offset);
            foreach (double candidate in layout == LevelLayout.Offset ? s_offsets.AsSpan(1) : [])
                TryPower(exponent, candidate);
            for (double step = ExponentStep / 2; step >= FinestStep && part.Exponent is null; step /= 2)
            {
                double centre = exponent;
                TryPower(centre - step, offset);
                TryPower(centre + step, offset);
            }

            void TryPower(double a, double d)
            {
                if (a is < PowerGrid.MinExponent or > PowerGrid.MaxExponent)
                    return;
                double error = Try(PowerGrid.Create(bits, layout, Math.Round(a, 4), d, rounding));
                if (error < least)
                    (exponent, offset, least) = (a, d, error);
            }
        }
        return best.Table ?? throw new InvalidOperationException("the recipe has no layout");

        double Try(LevelTable table)
        {
            double error = IsNeeded ? Errors(samples, table).Sum() : 0;
            if (error < best.Error)
                best = (table, error);
            return error;
        }
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

    /// <summary>The squared error that a table leaves on each granule of the samples.</summary>
    private double[] Errors(IReadOnlyList<GranuleSample> samples, LevelTable table)
    {
        const int Chunk = 32;
        var errors = new double[samples.Sum(sample => sample.Count)];
        int offset = 0;
        foreach (GranuleSample sample in samples)
        {
            int first = offset;
            ParallelLoop.For((sample.Count + Chunk - 1) / Chunk, chunk =>
            {
                for (int i = chunk * Chunk; i < Math.Min(sample.Count, (chunk + 1) * Chunk); i++)
                    errors[first + i] = sample.ErrorUnit * _fit.Fit(sample.Weights(i), default, [table], default).Error;
            });
            offset += sample.Count;
        }
        return errors;
    }
}
