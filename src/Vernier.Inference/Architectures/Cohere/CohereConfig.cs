using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Cohere;

/// <summary>What config.json says about a Command R: parts side by side behind one layer norm without biases, logits that are
/// scaled.</summary>
internal class CohereConfig : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""{"rms_norm_eps": 1e-5, "tie_word_embeddings": true, "logit_scale": 0.0625}""",
        ("rms_norm_eps", "layer_norm_eps"));

    private static readonly TransformerRules s_rules = new() { Rope = RopeRules.Default with { Interleaved = true } };

    private readonly bool _bias;

    /// <summary>Reads the file.</summary>
    public CohereConfig(ConfigObject root)
        : base(root.As(s_keys), s_rules)
    {
        root = root.As(s_keys);
        bool norms = root.Flag("use_qk_norm", false);
        _bias = root.Flag("attention_bias", false);
        LogitScale = (float)root.Number("logit_scale", 0, 1e9);
        Names = new TransformerNames
        {
            FeedForwardNorm = null,
            QueryNorm = norms ? "self_attn.q_norm" : null,
            KeyNorm = norms ? "self_attn.k_norm" : null,
        };
    }

    /// <inheritdoc/>
    public override TransformerNames Names { get; }

    /// <inheritdoc/>
    public override NormStyle Norms => NormStyle.LayerWithoutBias;

    /// <inheritdoc/>
    public override ResidualOrder Order => ResidualOrder.Parallel;

    /// <inheritdoc/>
    public override HeadNorm HeadNorm => HeadNorm.EachHead;

    /// <inheritdoc/>
    public override float LogitScale { get; }

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => _bias;

    /// <inheritdoc/>
    public override bool OutputBias => _bias;
}
