using System.Numerics.Tensors;

namespace Vernier.Grids;

/// <summary>
/// Maps the largest weight to the largest level, without a search for the scale; of several tables the best is taken.
/// </summary>
/// <param name="mirror">
/// Whether, on a table that is not its own mirror image, the scale takes the sign that puts the largest level on the side of the largest
/// weight. Otherwise the scale is positive and the smaller of the two outermost levels holds the largest weight.
/// </param>
public sealed class LargestScale(bool mirror = true) : IScaleFit
{
    /// <inheritdoc/>
    public FittedGranule Fit(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, ReadOnlySpan<LevelTable> tables, Span<byte> codes)
    {
        var trial = new ScaleTrial(weights, importance, tables);
        float largest = TensorPrimitives.MaxMagnitude(weights);
        for (int table = 0; table < tables.Length && largest != 0; table++)
        {
            float low = tables[table].Values[0], high = tables[table].Values[^1];
            trial.Try(mirror && -low > high ? largest / low : Math.Abs(largest) / high, table);
        }
        return trial.Finish(codes);
    }
}
