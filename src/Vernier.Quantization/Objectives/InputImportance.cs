using Vernier.Files;

namespace Vernier.Quantization.Objectives;

/// <summary>
/// How large each input channel of a layer is, as far as the network itself says without data: the layers that follow a norm read
/// gain_j x_j, with x normalised to a mean square of 1, so that E[input_j^2] is about gain_j^2. Weighting the squared error of column j with it
/// approximates the squared error of the layer's output.
/// </summary>
public static class InputImportance
{
    private static readonly (string Layer, string Norm)[] s_norms =
    [
        ("self_attn.q_proj.weight", "input_layernorm.weight"),
        ("self_attn.k_proj.weight", "input_layernorm.weight"),
        ("self_attn.v_proj.weight", "input_layernorm.weight"),
        ("self_attn.qkv_proj.weight", "input_layernorm.weight"),
        ("mlp.gate_proj.weight", "post_attention_layernorm.weight"),
        ("mlp.up_proj.weight", "post_attention_layernorm.weight"),
        ("mlp.gate_up_proj.weight", "post_attention_layernorm.weight"),
    ];

    /// <summary>The squared gains of the norm before a layer, scaled to a mean of 1; empty where no norm is known.</summary>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="weight">The name of the layer's weight.</param>
    /// <param name="columns">The number of its input channels.</param>
    public static ReadOnlyMemory<float> OfNorm(Checkpoint checkpoint, string weight, int columns)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(weight);
        foreach ((string layer, string norm) in s_norms)
        {
            if (!weight.EndsWith(layer, StringComparison.Ordinal))
                continue;
            if (!checkpoint.TryGet(string.Concat(weight.AsSpan(0, weight.Length - layer.Length), norm), out TensorInfo? gain) || gain.Count != columns)
                break;
            var squares = new float[columns];
            checkpoint.Read(gain, 0, squares);
            double mean = squares.Average(x => (double)x * x);
            if (!(mean > 0) || !double.IsFinite(mean))
                break;
            return Array.ConvertAll(squares, x => (float)(x * x / mean));
        }
        return default;
    }
}
