using Vernier.Levels;

namespace Vernier.Grids.Uniform;

/// <summary>
/// Scale and zero point of an asymmetric uniform grid: q = clip(round(w / s) + z, 0, 2^b - 1), w~ = s (q - z). The range
/// [min(w, 0), max(w, 0)] always holds zero; its two ends are shrunk together in steps, with every zero point next to the exact one,
/// and the least weighted squared error is kept.
/// </summary>
/// <param name="steps">The number of ranges tried, at least 1: the i-th is 1 - i / 100 of the whole. 1 is the whole range alone.</param>
public sealed class AffineScaleSearch(int steps = AffineScaleSearch.DefaultSteps) : IScaleFit
{
    /// <summary>The default number of ranges.</summary>
    public const int DefaultSteps = 60;

    /// <inheritdoc/>
    public FittedGranule Fit(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, ReadOnlySpan<LevelTable> tables, Span<byte> codes)
    {
        if (tables.Length != 1)
            throw new ArgumentException("an asymmetric grid has one table", nameof(tables));
        LevelTable grid = tables[0];
        int last = grid.Count - 1;
        float low = 0, high = 0;
        foreach (float weight in weights)
        {
            low = Math.Min(low, weight);
            high = Math.Max(high, weight);
        }
        var best = new FittedGranule(Half.Zero, 0, double.PositiveInfinity);
        for (int i = 0; i < steps && high > low; i++)
        {
            double shrink = 1 - i / 100.0;
            var scale = (Half)((high - low) * shrink / (last * (double)grid.Unit));
            if (scale == Half.Zero || !Half.IsFinite(scale))
                continue;
            double exact = -low * shrink / ((float)scale * grid.Unit);
            for (int zero = Math.Max(0, (int)Math.Floor(exact)); zero <= Math.Min(last, (int)Math.Ceiling(exact)); zero++)
            {
                double error = Round(weights, importance, grid, scale, zero, default);
                if (error < best.Error)
                    best = new FittedGranule(scale, (byte)zero, error);
            }
        }
        if (!double.IsFinite(best.Error))
            best = new FittedGranule(Half.Zero, 0, 0);
        double exactError = Round(weights, importance, grid, best.Scale, best.ZeroPoint, codes);
        return best with { Error = exactError };
    }

    private static double Round(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, LevelTable grid, Half scale, int zero,
        Span<byte> codes)
    {
        float step = (float)scale * grid.Unit, inverse = step == 0 ? 0 : 1 / step;
        int last = grid.Count - 1;
        double sum = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            int code = (int)Math.Clamp(MathF.Round(weights[i] * inverse) + zero, 0, last);
            double difference = weights[i] - (double)step * (code - zero);
            sum += (importance.IsEmpty ? 1.0 : importance[i]) * difference * difference;
            if (!codes.IsEmpty)
                codes[i] = (byte)code;
        }
        return sum;
    }
}
