using Vernier.Files;

namespace Vernier.Quantization.Weights;

/// <summary>What a tensor is in its network, by its name and shape.</summary>
public enum TensorRole
{
    /// <summary>The weight of a linear layer.</summary>
    Linear,

    /// <summary>An embedding table, or the output head.</summary>
    Embedding,

    /// <summary>Anything else: norms, biases, routers, tensors that are not matrices of floats.</summary>
    Other,
}

/// <summary>Tells roles by the naming habits of the published checkpoints, so that an unknown architecture can be quantized too.</summary>
public static class TensorRoles
{
    private static readonly string[] s_embeddings = ["embed", "wte.", "lm_head", "embed_out"];
    private static readonly string[] s_others =
        ["norm", "ln_", "wpe.", "embed_positions", "router", ".gate.weight", "rotary", "relative_attention_bias"];

    /// <summary>The role of a tensor.</summary>
    public static TensorRole Of(TensorInfo tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (tensor.Shape.Count != 2 || !tensor.Type.IsFloat() || tensor.Shape.Any(dimension => dimension is < 2 or > int.MaxValue))
            return TensorRole.Other;
        if (!tensor.Name.EndsWith(".weight", StringComparison.Ordinal)
            || Array.Exists(s_others, part => tensor.Name.Contains(part, StringComparison.OrdinalIgnoreCase)))
            return TensorRole.Other;
        bool head = tensor.Name == "output.weight";
        return head || Array.Exists(s_embeddings, part => tensor.Name.Contains(part, StringComparison.OrdinalIgnoreCase))
            ? TensorRole.Embedding
            : TensorRole.Linear;
    }
}
