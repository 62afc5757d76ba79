using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Olmo;

/// <summary>What config.json says about an OLMo 2: norms behind the parts, and of all queries and all keys.</summary>
internal sealed class Olmo2Config : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""{"rms_norm_eps": 1e-5}""");

    private readonly bool _bias;

    /// <summary>Reads the file.</summary>
    public Olmo2Config(ConfigObject root)
        : base(root.As(s_keys), new TransformerRules()) => _bias = root.Flag("attention_bias", false);

    /// <inheritdoc/>
    public override TransformerNames Names { get; } = new()
    {
        QueryNorm = "self_attn.q_norm",
        KeyNorm = "self_attn.k_norm",
        AfterAttentionNorm = "post_attention_layernorm",
        AfterFeedForwardNorm = "post_feedforward_layernorm",
    };

    /// <inheritdoc/>
    public override ResidualOrder Order => ResidualOrder.Behind;

    /// <inheritdoc/>
    public override HeadNorm HeadNorm => HeadNorm.Row;

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => _bias;

    /// <inheritdoc/>
    public override bool OutputBias => _bias;
}
