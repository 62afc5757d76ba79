using System.Runtime.CompilerServices;
using Vernier.Levels;

namespace Vernier.Grids;

/// <summary>
/// Tries scales for one granule and keeps the best. A candidate is rounded as it will be stored before its error is measured.
/// </summary>
internal ref struct ScaleTrial
{
    private readonly ReadOnlySpan<float> _weights;
    private readonly ReadOnlySpan<float> _importance;
    private readonly ReadOnlySpan<LevelTable> _tables;
    private int _bestTable;

    public ScaleTrial(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, ReadOnlySpan<LevelTable> tables)
    {
        _weights = weights;
        _importance = importance;
        _tables = tables;
        Squares = GridKernels.SquareSum(weights, importance);
        Best = new FittedGranule(Half.Zero, 0, double.PositiveInfinity);
    }

    /// <summary>Sum of m w^2: the error of the scale 0.</summary>
    public double Squares { get; }

    public FittedGranule Best { get; private set; }

    /// <summary>
    /// The moments of the codes that each of some scales gives, without regard to how it is stored. With these codes the best scale is
    /// sum(m w v) / sum(m v^2), and the error it leaves is Squares - sum(m w v)^2 / sum(m v^2).
    /// </summary>
    [SkipLocalsInit]
    public readonly void Probe(ReadOnlySpan<double> scales, int table, Span<Moments> moments)
    {
        Span<float> inverse = stackalloc float[scales.Length];
        for (int i = 0; i < scales.Length; i++)
            inverse[i] = (float)(1 / scales[i]);
        GridKernels.Project(_weights, _importance, inverse, _tables[table], moments);
    }

    /// <summary>Tries one scale, and returns the best scale for the codes that it gave, or 0.</summary>
    public double Try(double candidate, int table)
    {
        Half stored = StoredScale.Nearest(candidate, table, _tables.Length);
        float scale = (float)stored;
        if (scale == 0 || !float.IsFinite(scale))
            return 0;
        Moments moments = GridKernels.Project(_weights, _importance, 1 / scale, _tables[table]);
        double error = Math.Max(0, Squares - 2 * scale * moments.WeightLevel + (double)scale * scale * moments.LevelLevel);
        if (error < Best.Error)
        {
            Best = new FittedGranule(stored, 0, error);
            _bestTable = table;
        }
        return moments.LevelLevel > 0 ? moments.WeightLevel / moments.LevelLevel : 0;
    }

    /// <summary>Tries a scale and follows it: to the best scale for its codes, their codes, and so on while the error falls.</summary>
    public void Follow(double scale, int table)
    {
        for (int round = 0; round < 8; round++)
        {
            double before = Best.Error;
            scale = Try(scale, table);
            if (!(Best.Error < before) || scale == 0)
                return;
        }
    }

    /// <summary>Rounds the weights at the best scale.</summary>
    /// <param name="codes">Receives the codes, or empty.</param>
    /// <param name="preserveNorm">
    /// Whether the scale is then enlarged so that the rounded weights have the norm of the original ones; the codes stay.
    /// </param>
    public readonly FittedGranule Finish(Span<byte> codes, bool preserveNorm = false)
    {
        if (!double.IsFinite(Best.Error))
            return Zero(codes);
        LevelTable table = _tables[_bestTable];
        float inverse = 1 / (float)Best.Scale;
        if (!codes.IsEmpty)
            GridKernels.Encode(_weights, inverse, table, codes);
        if (!preserveNorm)
            return Best;
        Moments moments = GridKernels.Project(_weights, _importance, inverse, table);
        if (!(moments.LevelLevel > 0))
            return Best;
        Half scale = StoredScale.Nearest(Math.CopySign(Math.Sqrt(Squares / moments.LevelLevel), (double)Best.Scale), _bestTable,
            _tables.Length);
        return Half.IsFinite(scale)
            ? new FittedGranule(scale, 0, Math.Max(0,
                Squares - 2 * (double)scale * moments.WeightLevel + (double)scale * (double)scale * moments.LevelLevel))
            : Best;
    }

    private readonly FittedGranule Zero(Span<byte> codes)
    {
        if (!codes.IsEmpty)
            GridKernels.Encode(_weights, 0, _tables[0], codes);
        return new FittedGranule(Half.Zero, 0, Squares);
    }
}
