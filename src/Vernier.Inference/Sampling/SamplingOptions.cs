namespace Vernier.Inference.Sampling;

/// <summary>
/// How the next token is drawn. The filters apply in the order of the properties, as in the Hugging Face library: the
/// logits are divided by the temperature, then top-k, top-p and min-p each keep some of the tokens that are left, and
/// one of those is drawn with the probability the softmax gives it. (llama.cpp applies the temperature last.)
/// </summary>
public sealed record SamplingOptions
{
    /// <summary>Always the most probable token.</summary>
    public static SamplingOptions Greedy { get; } = new() { Temperature = 0 };

    /// <summary>T, the divisor of the logits, at least 0; 0 takes the most probable token, the lowest of equals. Default 1.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Keep the k most probable tokens, of equals the lower ones; 0 keeps all. Default 0.</summary>
    public int TopK { get; init; }

    /// <summary>
    /// Keep the fewest most probable tokens whose probabilities sum to p or more (Holtzman et al., 2020), above 0 and at most 1;
    /// 1 keeps all. Default 1.
    /// </summary>
    public double TopP { get; init; } = 1;

    /// <summary>Keep the tokens at least this probable in proportion to the most probable one, 0 to 1; 0 keeps all. Default 0.</summary>
    public double MinP { get; init; }

    /// <summary>What the random numbers start from. Default 0.</summary>
    public ulong Seed { get; init; }

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value lies outside its range.</exception>
    public void Validate()
    {
        Check(Temperature >= 0 && double.IsFinite(Temperature), Temperature, nameof(Temperature), "a finite number of at least 0");
        Check(TopK >= 0, TopK, nameof(TopK), "at least 0");
        Check(TopP is > 0 and <= 1, TopP, nameof(TopP), "above 0 and at most 1");
        Check(MinP is >= 0 and <= 1, MinP, nameof(MinP), "from 0 to 1");
    }

    private static void Check(bool holds, object value, string name, string range)
    {
        if (!holds)
            throw new ArgumentOutOfRangeException(name, value, $"{name} must be {range}");
    }
}
