using System.Numerics.Tensors;

namespace Vernier.Grids;

/// <summary>
/// Chooses the scale for which the weighted squared error after rounding is least. The error is not convex in the scale, so many ratios
/// of the largest level to the largest weight are tried, and each is refitted to the codes that it gives.
/// </summary>
/// <param name="steps">The number of ratios tried, at least 2; by default 32.</param>
/// <param name="mirror">
/// Whether negative scales are tried too on a table that is not its own mirror image: the additional level then lies on the heavier side,
/// at no cost, since the sign of a scale is stored anyway.
/// </param>
public sealed class ScaleSearch(int steps = ScaleSearch.DefaultSteps, bool mirror = true) : IScaleFit
{
    /// <summary>The default number of ratios.</summary>
    public const int DefaultSteps = 32;

    private const double LargestRatio = 1.1;

    // Few levels make clipping pay: the smallest ratio that is tried, for 2 to 8 bits.
    private static readonly double[] s_smallestRatio = [0.25, 0.35, 0.45, 0.55, 0.7, 0.8, 0.85];

    /// <inheritdoc/>
    public FittedGranule Fit(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, LevelTable grid, Span<byte> codes)
    {
        ArgumentNullException.ThrowIfNull(grid);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 2);
        var trial = new ScaleTrial(weights, importance, grid);
        double largest = Math.Abs(TensorPrimitives.MaxMagnitude(weights)) / grid.LargestValue;
        if (largest > 0)
        {
            double smallest = s_smallestRatio[grid.Bits - 2];
            bool bothSigns = mirror && !grid.IsOddSymmetric;
            for (int i = 0; i < steps; i++)
            {
                double scale = largest * (smallest + (LargestRatio - smallest) * i / (steps - 1));
                trial.TryAndRefit(scale);
                if (bothSigns)
                    trial.TryAndRefit(-scale);
            }
            trial.Refine();
        }
        return trial.Finish(codes);
    }
}
