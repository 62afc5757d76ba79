namespace Vernier.Inference;

/// <summary>The decoder families that run here, by the <c>model_type</c> of their config.json.</summary>
public enum ModelFamily
{
    /// <summary><c>llama</c>: Llama 2 and 3 and what shares their layers.</summary>
    Llama,

    /// <summary><c>mistral</c>: Llama with a sliding attention window.</summary>
    Mistral,

    /// <summary><c>qwen2</c>: biases on the query, key and value projections, a sliding window in the upper layers.</summary>
    Qwen2,

    /// <summary><c>qwen3</c>: an RMS norm on each query and key head, a head size of its own.</summary>
    Qwen3,

    /// <summary><c>phi3</c>: query, key and value in one projection, gate and up in another, partial rotation, LongRoPE.</summary>
    Phi3,
}

/// <summary>The gate's nonlinearity in the feed-forward part.</summary>
public enum Activation
{
    /// <summary>x sigmoid(x), also called swish.</summary>
    Silu,

    /// <summary>0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), the tanh form of the Gaussian error linear unit.</summary>
    GeluTanh,
}
