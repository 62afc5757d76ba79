namespace Vernier.Grids;

/// <summary>A scale as it is stored, and the error that it leaves.</summary>
/// <param name="Scale">The scale; negative where the mirrored table fits better; zero for weights that are all zero.</param>
/// <param name="Error">Sum of m (w - scale v)^2, with the codes that rounding at this scale gives.</param>
public readonly record struct FittedScale(Half Scale, double Error);

/// <summary>
/// Chooses the scale of one granule, so that the weighted squared error after rounding is least. The error is not convex in the
/// scale, so many scales are tried; for the codes that each gives, the best scale is known in closed form,
/// s = sum(m w v) / sum(m v^2), and is tried as well. Every candidate is rounded to half precision, as it is stored, before its error
/// is measured.
/// </summary>
public static class ScaleSearch
{
    /// <summary>The smallest ratio of a candidate's largest level to the largest weight, by bits from 2.</summary>
    private static readonly double[] s_smallest = [0.25, 0.35, 0.45, 0.55, 0.7, 0.8, 0.85];

    /// <summary>Fits the scale by search.</summary>
    /// <param name="weights">The weights of the granule, all finite.</param>
    /// <param name="importance">Their importance, none negative, or empty where all count alike.</param>
    /// <param name="table">The grid.</param>
    /// <param name="steps">The number of ratios tried, at least 2, from the smallest to 1.1 times the largest weight.</param>
    public static FittedScale Search(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, LevelTable table, int steps = 32)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 2);
        float largest = System.Numerics.Tensors.TensorPrimitives.MaxMagnitude(weights);
        largest = Math.Abs(largest);
        var trial = new Trial(weights, importance, table);
        if (largest == 0)
            return new FittedScale(Half.Zero, 0);
        double smallest = s_smallest[table.Bits - 2];
        for (int i = 0; i < steps; i++)
        {
            double ratio = smallest + (1.1 - smallest) * i / (steps - 1);
            float scale = (float)(largest * ratio / table.LargestValue);
            trial.Try(scale);
            if (!table.IsOddSymmetric)
                trial.Try(-scale);
        }
        trial.Refine();
        return trial.Best;
    }

    /// <summary>The scale that maps the largest weight to the largest level, without a search.</summary>
    public static FittedScale Largest(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, LevelTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        float signed = System.Numerics.Tensors.TensorPrimitives.MaxMagnitude(weights);
        if (signed == 0)
            return new FittedScale(Half.Zero, 0);
        var trial = new Trial(weights, importance, table);
        // The additional level of a full table lies on the negative side: it is for the largest weight.
        trial.TryExactly((Half)((table.IsOddSymmetric ? Math.Abs(signed) : -signed) / table.LargestValue));
        return trial.Best;
    }

    private ref struct Trial
    {
        private readonly ReadOnlySpan<float> _weights;
        private readonly ReadOnlySpan<float> _importance;
        private readonly LevelTable _table;
        private readonly double _squares;

        public Trial(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, LevelTable table)
        {
            _weights = weights;
            _importance = importance;
            _table = table;
            for (int i = 0; i < weights.Length; i++)
                _squares += (importance.IsEmpty ? 1.0 : importance[i]) * weights[i] * weights[i];
            Best = new FittedScale(Half.Zero, double.PositiveInfinity);
        }

        public FittedScale Best { get; private set; }

        /// <summary>Tries a scale and then the best scale for the codes it gave.</summary>
        public void Try(float scale)
        {
            Moments moments = TryExactly((Half)scale);
            if (moments.LevelLevel > 0)
            {
                double refit = moments.WeightLevel / moments.LevelLevel;
                // The refitted scale can't do better than this with the same codes: skip the pass when even that is no gain.
                if (_squares - refit * moments.WeightLevel < Best.Error)
                    TryExactly((Half)refit);
            }
        }

        /// <summary>Refits the scale to the codes until nothing is gained.</summary>
        public void Refine()
        {
            for (int round = 0; round < 8; round++)
            {
                double before = Best.Error;
                Try((float)Best.Scale);
                if (!(Best.Error < before))
                    return;
            }
        }

        public Moments TryExactly(Half candidate)
        {
            float scale = (float)candidate;
            if (scale == 0 || !float.IsFinite(scale))
                return default;
            Moments moments = GridKernels.Project(_weights, _importance, 1 / scale, _table);
            double error = Math.Max(0, _squares - 2 * scale * moments.WeightLevel + (double)scale * scale * moments.LevelLevel);
            if (error < Best.Error)
                Best = new FittedScale(candidate, error);
            return moments;
        }
    }
}
