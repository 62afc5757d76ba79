namespace Vernier.Inference.Decoders;

/// <summary>What the norms of a decoder are.</summary>
/// <param name="IsLayerNorm">Whether the mean is subtracted: a layer norm rather than a root-mean-square norm.</param>
/// <param name="HasWeight">Whether there are weights.</param>
/// <param name="HasBias">Whether there are biases.</param>
/// <param name="Offset">What is added to the weights that are stored: 1 for those stored as the difference from 1.</param>
public sealed record NormStyle(bool IsLayerNorm, bool HasWeight, bool HasBias, float Offset = 0)
{
    /// <summary>Root mean square, with weights.</summary>
    public static NormStyle Rms { get; } = new(false, true, false);

    /// <summary>Root mean square, with weights stored as the difference from 1.</summary>
    public static NormStyle RmsFromOne { get; } = new(false, true, false, 1);

    /// <summary>Layer norm with weights and biases.</summary>
    public static NormStyle Layer { get; } = new(true, true, true);

    /// <summary>Layer norm with weights alone.</summary>
    public static NormStyle LayerWithoutBias { get; } = new(true, true, false);
}

/// <summary>Where the norms of a block stand.</summary>
public enum ResidualOrder
{
    /// <summary>Before each part: h += part(norm(h)).</summary>
    Before,

    /// <summary>Behind each part: h += norm(part(h)).</summary>
    Behind,

    /// <summary>Before and behind each part.</summary>
    Around,

    /// <summary>Both parts see the same: h += attention(norm(h)) + feed-forward(norm(h)), with one norm or two.</summary>
    Parallel,
}

/// <summary>What the norms of queries and keys are taken over.</summary>
public enum HeadNorm
{
    /// <summary>Each head, with the same weights.</summary>
    Head,

    /// <summary>Each head, with weights of its own.</summary>
    EachHead,

    /// <summary>All heads together.</summary>
    Row,
}
