using Vernier.Grids;
using Vernier.Grids.Power;
using Vernier.Grids.Uniform;
using Vernier.Numerics;
using Vernier.Quantization.Recipes;

namespace Vernier.Quantization.Solvers;

/// <summary>
/// The data-free search of PowerQuant and NUPES: the grid whose squared error on the weights, after rounding at the best scales, is
/// least. Exponents are tried from <see cref="LeastExponent"/> to <see cref="PowerGrid.MaxExponent"/> in steps of 0.05 and then around the
/// best in halved steps; a = 1, the uniform grid, is among them, so that the result is never worse than uniform on the sample.
/// </summary>
public sealed class GridSearch(GridPart part, int bits, RoundingRule rounding, IScaleFit fit)
{
    private const double LeastExponent = 0.3;
    private const double Step = 0.05;
    private const double FinestStep = 0.0125;

    /// <summary>Whether there is anything to choose.</summary>
    public bool IsNeeded => part.Layouts.Count > 1 || (part.Kind == GridKind.Power && part.Exponent is null);

    /// <summary>The table that serves all samples best.</summary>
    public LevelTable Choose(IReadOnlyList<GranuleSample> samples)
    {
        ArgumentNullException.ThrowIfNull(samples);
        (LevelTable Table, double Error) best = (null!, double.PositiveInfinity);
        foreach (LevelLayout layout in part.Layouts)
        {
            if (part.Kind == GridKind.Uniform)
            {
                Try(UniformGrid.Create(bits, layout));
            }
            else if (part.Exponent is double exponent)
            {
                Try(PowerGrid.Create(bits, layout, exponent, rounding));
            }
            else
            {
                var errors = new Dictionary<double, double>();
                for (int i = 0; i <= (int)Math.Round((PowerGrid.MaxExponent - LeastExponent) / Step); i++)
                    TryExponent(errors, layout, Math.Round(LeastExponent + i * Step, 4));
                for (double step = Step / 2; step >= FinestStep; step /= 2)
                {
                    double centre = errors.MinBy(pair => pair.Value).Key;
                    TryExponent(errors, layout, Math.Round(centre - step, 4));
                    TryExponent(errors, layout, Math.Round(centre + step, 4));
                }
            }
        }
        return best.Table;

        void TryExponent(Dictionary<double, double> errors, LevelLayout layout, double exponent)
        {
            if (exponent >= PowerGrid.MinExponent && exponent <= PowerGrid.MaxExponent && !errors.ContainsKey(exponent))
                errors[exponent] = Try(PowerGrid.Create(bits, layout, exponent, rounding));
        }

        double Try(LevelTable table)
        {
            double error = IsNeeded ? Error(samples, table) : 0;
            if (error < best.Error)
                best = (table, error);
            return error;
        }
    }

    /// <summary>The squared error that a table leaves on the samples.</summary>
    public double Error(IReadOnlyList<GranuleSample> samples, LevelTable table)
    {
        ArgumentNullException.ThrowIfNull(samples);
        const int Chunk = 32;
        double sum = 0;
        foreach (GranuleSample sample in samples)
        {
            LevelTable shifted = GranuleSample.Shift(table, sample.UnitShift);
            var errors = new double[(sample.Count + Chunk - 1) / Chunk];
            ParallelLoop.For(errors.Length, chunk =>
            {
                for (int i = chunk * Chunk; i < Math.Min(sample.Count, (chunk + 1) * Chunk); i++)
                    errors[chunk] += fit.Fit(sample.Weights(i), sample.Importance(i), shifted, default).Error;
            });
            sum += errors.Sum();
        }
        return sum;
    }
}
