using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Glm;

/// <summary>What config.json says about a GLM-4: a GLM with norms around each part.</summary>
internal sealed class Glm4Config(ConfigObject root) : GlmConfig(root)
{
    /// <inheritdoc/>
    public override TransformerNames Names { get; } = new()
    {
        FeedForwardInputs = ["mlp.gate_up_proj"],
        AfterAttentionNorm = "post_self_attn_layernorm",
        AfterFeedForwardNorm = "post_mlp_layernorm",
    };

    /// <inheritdoc/>
    public override ResidualOrder Order => ResidualOrder.Around;
}
