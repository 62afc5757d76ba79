using Vernier.Inference.Configuration;

namespace Vernier.Inference.Decoders;

/// <summary>What holds where the config.json of a transformer does not say, and what it may say.</summary>
public sealed class TransformerRules
{
    /// <summary>The key and value heads where the file does not mention them; null for as many as query heads.</summary>
    public int? KeyValueHeads { get; init; }

    /// <summary>The coordinates of a head where the file does not say; null for hidden size / heads.</summary>
    public int? HeadSize { get; init; }

    /// <summary>The epsilon of the norms where the file does not say.</summary>
    public double NormEpsilon { get; init; } = 1e-6;

    /// <summary>The rotary embedding; null for none.</summary>
    public RopeRules? Rope { get; init; } = RopeRules.Default;

    /// <summary>The width of the feed-forward where the file does not say, in hidden sizes; null where it must.</summary>
    public int? FeedForwardWidths { get; init; }
}
