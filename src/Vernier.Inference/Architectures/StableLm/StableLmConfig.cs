using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.StableLm;

/// <summary>What config.json says about a StableLM: layer norms, a quarter of each head rotated, and where it asks for them biases, norms
/// of heads, and parts side by side.</summary>
internal sealed class StableLmConfig : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""{"rms_norm_eps": 1e-5}""", ("rms_norm_eps", "layer_norm_eps"));

    /// <summary>Reads the file.</summary>
    public StableLmConfig(ConfigObject root)
        : base(root.As(s_keys), new TransformerRules { Rope = RopeRules.PartOfHead with { PartialDefault = 0.25 } })
    {
        QueryKeyValueBias = root.Flag("use_qkv_bias", false);
        bool norms = root.Flag("qk_layernorm", false), parallel = root.Flag("use_parallel_residual", false);
        Order = parallel ? ResidualOrder.Parallel : ResidualOrder.Before;
        Names = new TransformerNames
        {
            QueryNorm = norms ? "self_attn.q_layernorm" : null,
            KeyNorm = norms ? "self_attn.k_layernorm" : null,
            FeedForwardNorm = parallel ? null : "post_attention_layernorm",
        };
    }

    /// <inheritdoc/>
    public override TransformerNames Names { get; }

    /// <inheritdoc/>
    public override NormStyle Norms => NormStyle.Layer;

    /// <inheritdoc/>
    public override HeadNorm HeadNorm => HeadNorm.EachHead;

    /// <inheritdoc/>
    public override ResidualOrder Order { get; }

    /// <inheritdoc/>
    public override bool QueryKeyValueBias { get; }
}
