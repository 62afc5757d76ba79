using Vernier.Levels;

namespace Vernier.Grids;

/// <summary>
/// The constraints of ZeroQuant-FP, with which a product by a scale is an addition of exponents. Either each scale becomes a power of two,
/// S -> 2^ceil(log2 S)
/// (its M1), or the scales of a row become the largest of them times powers of two, S_i -> Smax / 2^ceil(log2(Smax / S_i)) (its M2).
/// <para>X. Wu, Z. Yao, Y. He: ZeroQuant-FP: a leap forward in LLMs post-training W4A8 quantization using floating-point formats, 2023.
/// That the
/// group of M2 is a row is ours.</para>
/// </summary>
/// <param name="fit">What fits the scales before they are constrained.</param>
/// <param name="ratios">Whether the ratios of a row are powers of two, and not the scales.</param>
public sealed class PowerOfTwoScale(IScaleFit fit, bool ratios) : IScaleFit
{
    /// <inheritdoc/>
    public FittedGranule Fit(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, ReadOnlySpan<LevelTable> tables, Span<byte> codes)
    {
        if (tables.Length != 1)
            throw new ArgumentException("a constrained scale has no room for a choice of tables", nameof(tables));
        FittedGranule fitted = fit.Fit(weights, importance, tables, codes);
        if (ratios || fitted.Scale == Half.Zero)
            return fitted;
        var trial = new ScaleTrial(weights, importance, tables);
        trial.Try(Math.CopySign(Above(Math.Abs((double)fitted.Scale)), (double)fitted.Scale), 0);
        return trial.Finish(codes);
    }

    /// <inheritdoc/>
    public bool Constrain(Span<Half> scales)
    {
        double largest = 0;
        foreach (Half scale in scales)
            largest = Math.Max(largest, Math.Abs((double)scale));
        bool changed = false;
        for (int i = 0; i < scales.Length && ratios; i++)
        {
            if (scales[i] == Half.Zero)
                continue;
            double exact = Math.Sign((double)scales[i]) * largest / Above(largest / Math.Abs((double)scales[i]));
            var constrained = (Half)exact;
            // Among the subnormal numbers it may be rounded; such a group is next to nothing beside the largest.
            if ((double)constrained != exact)
                constrained = Half.Zero;
            changed |= constrained != scales[i];
            scales[i] = constrained;
        }
        return changed;
    }

    // The power of two that is not below a positive number.
    private static double Above(double x)
    {
        double power = Math.ScaleB(1, Math.ILogB(x));
        return power < x ? 2 * power : power;
    }
}
