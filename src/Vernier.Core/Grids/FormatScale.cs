using System.Numerics.Tensors;
using Vernier.Levels;

namespace Vernier.Grids;

/// <summary>
/// A scale of a format of one byte, as the block formats store it: of all numbers of the format around largest weight / largest level the
/// one of least weighted squared
/// error; or, without a search, for E8M0 2^(floor(log2 |w|) - floor(log2 level)), the rule of the OCP Microscaling specification, and for
/// E4M3 the one next to the ratio.
/// </summary>
/// <param name="format">A format of one byte.</param>
/// <param name="search">Whether to search.</param>
public sealed class FormatScale(ScaleFormat format, bool search = true) : IScaleFit
{
    // From clipping to less than a third of the range to leaving three quarters of it unused.
    private const double Least = 0.3, Most = 4;

    /// <inheritdoc/>
    public FittedGranule Fit(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, ReadOnlySpan<LevelTable> tables, Span<byte> codes)
    {
        if (tables.Length != 1)
            throw new ArgumentException("the scales of one byte have no room for a choice of tables", nameof(tables));
        var trial = new ScaleTrial(weights, importance, tables);
        float largest = Math.Abs(TensorPrimitives.MaxMagnitude(weights));
        double ratio = largest / (double)tables[0].LargestValue;
        ReadOnlySpan<Half> values = StoredScale.Values(format);
        Half rule = Rule(ratio, largest, tables[0].LargestValue);
        trial.Try((double)rule, 0);
        for (int i = 0; i < values.Length && search; i++)
        {
            if ((double)values[i] >= Least * ratio && (double)values[i] <= Most * ratio)
                trial.Try((double)values[i], 0);
        }
        FittedGranule fitted = trial.Finish(codes);
        // Weights that are all zero, or all too small: any scale that the format has.
        return fitted.Scale == Half.Zero ? fitted with { Scale = values[0] } : fitted;
    }

    private Half Rule(double ratio, float largest, float level) => StoredScale.Nearest(
        format == ScaleFormat.E8M0 && largest > 0 ? Math.ScaleB(1, Math.ILogB(largest) - Math.ILogB(level)) : ratio, format);
}
