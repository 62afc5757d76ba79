using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Parts.Experts;

namespace Vernier.Inference.Architectures.PhiMoe;

/// <summary>What config.json says about a Phi-MoE: layer norms, and experts that SparseMixer chooses.</summary>
internal sealed class PhiMoeConfig : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""
        {"rms_norm_eps": 1e-5, "num_local_experts": 16, "num_experts_per_tok": 2, "router_jitter_noise": 0.01, "rope_theta": 1000000}
        """);

    private readonly ExpertStyle _experts;
    private readonly bool _bias;
    private readonly int? _window;

    /// <summary>Reads the file.</summary>
    public PhiMoeConfig(ConfigObject root)
        : base(root.As(s_keys), new TransformerRules { KeyValueHeads = 8 })
    {
        root = root.As(s_keys);
        _bias = root.Flag("attention_bias", false);
        HeadBias = root.Flag("lm_head_bias", false);
        _window = root.Has("sliding_window") ? ReadWindow(root) : null;
        _experts = ExpertReader.Mixtral(IntermediateSize, new ExpertRouting
        {
            Experts = root.Integer("num_local_experts", 1, ExpertReader.Most),
            PerToken = ExpertReader.PerToken(root, "num_local_experts"),
            Scores = ExpertScores.SparseMixer,
            Jitter = (float)root.Number("router_jitter_noise", 0, 1),
        });
    }

    /// <inheritdoc/>
    public override NormStyle Norms => NormStyle.Layer;

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => _bias;

    /// <inheritdoc/>
    public override bool OutputBias => _bias;

    /// <inheritdoc/>
    public override bool HeadBias { get; }

    /// <inheritdoc/>
    public override int? WindowOf(int layer) => _window;

    /// <inheritdoc/>
    public override ExpertStyle? ExpertsOf(int layer) => _experts;
}
