namespace Vernier.Grids;

/// <summary>
/// Tries scales for one granule and keeps the best. A candidate is rounded to half precision, as it will be stored, before its error is
/// measured.
/// </summary>
internal ref struct ScaleTrial
{
    private readonly ReadOnlySpan<float> _weights;
    private readonly ReadOnlySpan<float> _importance;
    private readonly LevelTable _grid;

    public ScaleTrial(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, LevelTable grid)
    {
        _weights = weights;
        _importance = importance;
        _grid = grid;
        for (int i = 0; i < weights.Length; i++)
            Squares += (importance.IsEmpty ? 1.0 : importance[i]) * weights[i] * weights[i];
        Best = new FittedGranule(Half.Zero, 0, double.PositiveInfinity);
    }

    /// <summary>Sum of m w^2: the error of the scale 0.</summary>
    public double Squares { get; }

    public FittedGranule Best { get; private set; }

    /// <summary>Tries a scale, and then the best scale for the codes that it gave: s = sum(m w v) / sum(m v^2).</summary>
    public void TryAndRefit(double scale)
    {
        Moments moments = Try(scale);
        if (moments.LevelLevel > 0)
        {
            double refit = moments.WeightLevel / moments.LevelLevel;
            // With the same codes the refitted scale leaves this error; other codes come only where they are nearer still.
            if (Squares - refit * moments.WeightLevel < Best.Error)
                Try(refit);
        }
    }

    /// <summary>Refits the best scale to its codes until nothing is gained.</summary>
    public void Refine()
    {
        for (int round = 0; round < 8; round++)
        {
            double before = Best.Error;
            TryAndRefit((double)Best.Scale);
            if (!(Best.Error < before))
                return;
        }
    }

    /// <summary>Tries one scale.</summary>
    public Moments Try(double candidate)
    {
        var stored = (Half)candidate;
        float scale = (float)stored;
        if (scale == 0 || !float.IsFinite(scale))
            return default;
        Moments moments = GridKernels.Project(_weights, _importance, 1 / scale, _grid);
        double error = Math.Max(0, Squares - 2 * scale * moments.WeightLevel + (double)scale * scale * moments.LevelLevel);
        if (error < Best.Error)
            Best = new FittedGranule(stored, 0, error);
        return moments;
    }

    /// <summary>Rounds the weights at the best scale.</summary>
    public readonly FittedGranule Finish(Span<byte> codes)
    {
        FittedGranule best = double.IsFinite(Best.Error) ? Best : new FittedGranule(Half.Zero, 0, Squares);
        if (!codes.IsEmpty)
            GridKernels.Encode(_weights, best.Scale == Half.Zero ? 0 : 1 / (float)best.Scale, _grid, codes);
        return best;
    }
}
