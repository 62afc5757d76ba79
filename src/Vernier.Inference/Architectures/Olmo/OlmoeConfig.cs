using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Parts.Experts;

namespace Vernier.Inference.Architectures.Olmo;

/// <summary>What config.json says about an OLMoE: experts in every layer, norms of all queries and all keys.</summary>
internal sealed class OlmoeConfig : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""{"rms_norm_eps": 1e-5, "num_experts": 64, "num_experts_per_tok": 8}""");

    private readonly bool _bias;
    private readonly ExpertStyle _experts;

    /// <summary>Reads the file.</summary>
    public OlmoeConfig(ConfigObject root)
        : base(root.As(s_keys), new TransformerRules())
    {
        root = root.As(s_keys);
        _bias = root.Flag("attention_bias", false);
        Clip = root.Has("clip_qkv") ? (float)root.Number("clip_qkv", 0, 1e9) : null;
        _experts = new ExpertStyle(new ExpertRouting
        {
            Experts = root.Integer("num_experts", 1, ExpertReader.Most),
            PerToken = ExpertReader.PerToken(root, "num_experts"),
            Normalize = root.Flag("norm_topk_prob", false),
        }, IntermediateSize);
    }

    /// <inheritdoc/>
    public override TransformerNames Names { get; } = new() { QueryNorm = "self_attn.q_norm", KeyNorm = "self_attn.k_norm" };

    /// <inheritdoc/>
    public override HeadNorm HeadNorm => HeadNorm.Row;

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => _bias;

    /// <inheritdoc/>
    public override bool OutputBias => _bias;

    /// <inheritdoc/>
    public override float? Clip { get; }

    /// <inheritdoc/>
    public override ExpertStyle? ExpertsOf(int layer) => _experts;
}
