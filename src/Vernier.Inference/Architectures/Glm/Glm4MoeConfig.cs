using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Glm;

/// <summary>What config.json says about a GLM-4.5: experts as in DeepSeek V3 from some layer on.</summary>
internal sealed class Glm4MoeConfig : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""{"rms_norm_eps": 1e-5, "first_k_dense_replace": 1, "n_shared_experts": 1}""");

    private static readonly TransformerRules s_rules = new() { Rope = RopeRules.PartOfHead with { PartialDefault = 0.5 } };

    private readonly ExpertStyle _experts;
    private readonly int _dense;

    /// <summary>Reads the file.</summary>
    public Glm4MoeConfig(ConfigObject root)
        : base(root.As(s_keys), s_rules)
    {
        root = root.As(s_keys);
        QueryKeyValueBias = root.Flag("attention_bias", false);
        bool norms = root.Flag("use_qk_norm", false);
        Names = new TransformerNames { QueryNorm = norms ? "self_attn.q_norm" : null, KeyNorm = norms ? "self_attn.k_norm" : null };
        _dense = root.Integer("first_k_dense_replace", 0, MostLayers);
        FurtherLayers = root.Integer("num_nextn_predict_layers", 0, MostLayers, 0);
        int size = root.Integer("moe_intermediate_size", 1, 1 << 22);
        _experts = new ExpertStyle(ExpertReader.Corrected(root), size)
        {
            Correction = "mlp.gate.e_score_correction_bias",
            SharedSize = size * root.Integer("n_shared_experts", 0, ExpertReader.Most),
        };
    }

    /// <inheritdoc/>
    public override TransformerNames Names { get; }

    /// <inheritdoc/>
    public override bool QueryKeyValueBias { get; }

    /// <inheritdoc/>
    public override int FurtherLayers { get; }

    /// <inheritdoc/>
    public override ExpertStyle? ExpertsOf(int layer) => layer < _dense ? null : _experts;
}
