using System.Numerics.Tensors;
using Vernier.Levels;

namespace Vernier.Grids;

/// <summary>
/// A scale by gradient descent with codes held fast in each step, as EasyQuant finds it: from largest weight / largest level, Adam on
/// dE/ds = 2 sum of m (s v - w) v, v the levels of w / s. Every scale on the way is measured as it will be stored, and the best is kept:
/// the error never exceeds that
/// of the first.
/// <para>H. Tang et al.: EasyQuant: an efficient data-free quantization algorithm for LLMs, 2023. The learning rate relative to the first
/// scale is ours.</para>
/// </summary>
/// <param name="iterations">The steps, at least 1.</param>
/// <param name="rate">The learning rate, relative to the first scale; above 0.</param>
public sealed class GradientScale(int iterations, double rate) : IScaleFit
{
    private const double Beta1 = 0.9, Beta2 = 0.999, Epsilon = 1e-12;

    /// <inheritdoc/>
    public FittedGranule Fit(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, ReadOnlySpan<LevelTable> tables, Span<byte> codes)
    {
        if (tables.Length != 1)
            throw new ArgumentException("the gradient is that of one table", nameof(tables));
        LevelTable table = tables[0];
        var trial = new ScaleTrial(weights, importance, tables);
        double first = Math.Abs(TensorPrimitives.MaxMagnitude(weights)) / (double)Math.Min(-table.Values[0], table.Values[^1]);
        double relative = 1, best = first, least = double.PositiveInfinity, mean = 0, square = 0;
        for (int step = 0; step <= iterations && first > 0; step++)
        {
            float scale = (float)(Half)(relative * first);
            if (!(scale > 0) || !float.IsFinite(scale))
                break;
            Moments moments = GridKernels.Project(weights, importance, 1 / scale, table);
            double error = trial.Squares - 2.0 * scale * moments.WeightLevel + (double)scale * scale * moments.LevelLevel;
            if (error < least)
                (least, best) = (error, scale);
            double gradient = 2 * (scale * moments.LevelLevel - moments.WeightLevel) * first / trial.Squares;
            mean = Beta1 * mean + (1 - Beta1) * gradient;
            square = Beta2 * square + (1 - Beta2) * gradient * gradient;
            relative -= rate * mean / (1 - Math.Pow(Beta1, step + 1)) / (Math.Sqrt(square / (1 - Math.Pow(Beta2, step + 1))) + Epsilon);
        }
        trial.Try(best, 0);
        return trial.Finish(codes);
    }
}
