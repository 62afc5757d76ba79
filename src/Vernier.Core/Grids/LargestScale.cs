using System.Numerics.Tensors;
using Vernier.Levels;

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
        float largest = TensorPrimitives.MaxMagnitude(weights);
        // A table alone has nothing to be compared with.
        if (tables.Length == 1 && !codes.IsEmpty)
        {
            Half only = StoredScale.Nearest(Candidate(largest, tables[0]), 0, 1);
            bool usable = only != Half.Zero && Half.IsFinite(only);
            GridKernels.Encode(weights, usable ? 1 / (float)only : 0, tables[0], codes);
            return new FittedGranule(usable ? only : Half.Zero, 0, double.NaN);
        }
        var trial = new ScaleTrial(weights, importance, tables);
        for (int table = 0; table < tables.Length && largest != 0; table++)
            trial.Try(Candidate(largest, tables[table]), table);
        return trial.Finish(codes);
    }

    private double Candidate(float largest, LevelTable table)
    {
        float low = table.Values[0], high = table.Values[^1];
        return mirror && -low > high ? largest / low : Math.Abs(largest) / high;
    }
}
