using System.Numerics.Tensors;

namespace Vernier.Grids;

/// <summary>
/// Maps the largest weight to the largest level, without a search.
/// </summary>
/// <param name="mirror">
/// Whether, on a table that is not its own mirror image, the scale takes the sign that puts the largest level on the side of the largest
/// weight. Otherwise the scale is positive and the smaller of the two outermost levels holds the largest weight.
/// </param>
public sealed class LargestScale(bool mirror = true) : IScaleFit
{
    /// <inheritdoc/>
    public FittedGranule Fit(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, LevelTable grid, Span<byte> codes)
    {
        ArgumentNullException.ThrowIfNull(grid);
        var trial = new ScaleTrial(weights, importance, grid);
        float largest = TensorPrimitives.MaxMagnitude(weights);
        float low = grid.Values[0], high = grid.Values[^1];
        if (largest != 0)
            trial.Try(mirror && -low > high ? largest / low : Math.Abs(largest) / high);
        return trial.Finish(codes);
    }
}
