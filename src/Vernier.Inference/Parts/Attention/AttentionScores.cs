namespace Vernier.Inference.Parts.Attention;

/// <summary>
/// How scores of a query become weights: s_j = cap tanh(scale q k_j / cap) + slope_h j, with the caps and slopes only where they are given;
/// then w_j = exp(s_j) / (sum_i exp(s_i) + exp(sink_h)).
/// </summary>
public sealed class AttentionScores
{
    /// <summary>What q k is multiplied by; null, the default, for 1 / sqrt(head size).</summary>
    public double? Scale { get; init; }

    /// <summary>The bound that scores approach (Gemma 2); 0, the default, for none.</summary>
    public float SoftCap { get; init; }

    /// <summary>For each query head, what a position adds to a score (ALiBi; Press et al., 2021); empty, the default, for none.</summary>
    public IReadOnlyList<float> Slopes { get; init; } = [];

    /// <summary>For each query head, the score of a place that has no value (gpt-oss); empty, the default, for none.</summary>
    public IReadOnlyList<float> Sinks { get; init; } = [];

    /// <summary>The slopes of ALiBi: 2^(-8 i / n) for n = heads a power of two, i = 1 .. n; else those of the power of two below, and
    /// every second of the one above.</summary>
    /// <param name="heads">The query heads.</param>
    /// <param name="largest">8 in the paper.</param>
    public static float[] AlibiSlopes(int heads, double largest = 8)
    {
        int below = 1 << (31 - int.LeadingZeroCount(heads));
        return [.. Enumerable.Range(0, heads).Select(head => (float)(head < below
            ? Math.Pow(2, -largest * (head + 1) / below)
            : Math.Pow(2, -largest * (2 * (head - below) + 1) / (2 * below))))];
    }
}
