using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Phi;

/// <summary>What config.json says about a Phi: attention and a feed-forward without a gate side by side behind one layer norm, biases
/// everywhere, half of each head rotated.</summary>
internal sealed class PhiConfig(ConfigObject root) : TransformerConfig(root.As(s_keys), s_rules)
{
    private static readonly FamilyKeys s_keys = new("""{"hidden_act": "gelu_new", "rms_norm_eps": 1e-5}""",
        ("rms_norm_eps", "layer_norm_eps"));

    private static readonly TransformerRules s_rules =
        new() { Rope = RopeRules.PartOfHead with { PartialDefault = 0.5 } };

    /// <inheritdoc/>
    public override TransformerNames Names { get; } = new()
    {
        FinalNorm = "model.final_layernorm",
        FeedForwardNorm = null,
        AttentionOutput = "self_attn.dense",
        FeedForwardInputs = ["mlp.fc1"],
        FeedForwardOutput = "mlp.fc2",
    };

    /// <inheritdoc/>
    public override NormStyle Norms => NormStyle.Layer;

    /// <inheritdoc/>
    public override ResidualOrder Order => ResidualOrder.Parallel;

    /// <inheritdoc/>
    public override bool IsGated => false;

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => true;

    /// <inheritdoc/>
    public override bool OutputBias => true;

    /// <inheritdoc/>
    public override bool FeedForwardBias => true;

    /// <inheritdoc/>
    public override bool HeadBias => true;
}
