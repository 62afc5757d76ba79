using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Parts.Attention;

namespace Vernier.Inference.Architectures.GptNeoX;

/// <summary>What config.json says about a GPT-NeoX: attention and feed-forward side by side, each behind a layer norm of its own, and a
/// quarter of each head rotated.</summary>
internal sealed class GptNeoXConfig : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""{"hidden_act": "gelu", "rms_norm_eps": 1e-5, "partial_rotary_factor": 0.25}""",
        ("rms_norm_eps", "layer_norm_eps"), ("partial_rotary_factor", "rotary_pct"), ("rope_theta", "rotary_emb_base"));

    private static readonly TransformerNames s_names = new()
    {
        Embedding = "gpt_neox.embed_in",
        Head = "embed_out",
        FinalNorm = "gpt_neox.final_layer_norm",
        Layer = "gpt_neox.layers.",
        AttentionInputs = ["attention.query_key_value"],
        AttentionOutput = "attention.dense",
        FeedForwardInputs = ["mlp.dense_h_to_4h"],
        FeedForwardOutput = "mlp.dense_4h_to_h",
    };

    private readonly bool _bias;

    /// <summary>Reads the file.</summary>
    public GptNeoXConfig(ConfigObject root)
        : base(root.As(s_keys), new TransformerRules { Rope = RopeRules.PartOfHead with { PartialDefault = 0.25 } })
    {
        _bias = root.Flag("attention_bias", true);
        Order = root.Flag("use_parallel_residual", true) ? ResidualOrder.Parallel : ResidualOrder.Before;
    }

    /// <inheritdoc/>
    public override TransformerNames Names => s_names;

    /// <inheritdoc/>
    public override NormStyle Norms => NormStyle.Layer;

    /// <inheritdoc/>
    public override ResidualOrder Order { get; }

    /// <inheritdoc/>
    public override QueryKeyValueOrder QueryKeyValueOrder => QueryKeyValueOrder.Heads;

    /// <inheritdoc/>
    public override bool IsGated => false;

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => _bias;

    /// <inheritdoc/>
    public override bool OutputBias => _bias;

    /// <inheritdoc/>
    public override bool FeedForwardBias => true;
}
