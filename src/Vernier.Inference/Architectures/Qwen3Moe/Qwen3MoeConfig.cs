using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Parts.Experts;

namespace Vernier.Inference.Architectures.Qwen3Moe;

/// <summary>What config.json says about a Qwen 3 with experts.</summary>
internal sealed class Qwen3MoeConfig : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""
        {"num_local_experts": 128, "num_experts_per_tok": 8, "moe_intermediate_size": 768}
        """, ("num_local_experts", "num_experts"));

    private readonly bool _bias;
    private readonly LayerWindows _windows;
    private readonly ExpertLayers _layers;
    private readonly ExpertStyle _experts;

    /// <summary>Reads the file.</summary>
    public Qwen3MoeConfig(ConfigObject root)
        : base(root.As(s_keys), new TransformerRules { KeyValueHeads = 4 })
    {
        root = root.As(s_keys);
        _windows = new LayerWindows(root, LayerCount);
        _bias = root.Flag("attention_bias", false);
        _layers = new ExpertLayers(root, LayerCount);
        _experts = new ExpertStyle(new ExpertRouting
        {
            Experts = root.Integer("num_local_experts", 1, ExpertReader.Most),
            PerToken = ExpertReader.PerToken(root, "num_local_experts"),
            Normalize = root.Flag("norm_topk_prob", false),
        }, root.Integer("moe_intermediate_size", 1, 1 << 22));
    }

    /// <inheritdoc/>
    public override TransformerNames Names { get; } = new() { QueryNorm = "self_attn.q_norm", KeyNorm = "self_attn.k_norm" };

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => _bias;

    /// <inheritdoc/>
    public override bool OutputBias => _bias;

    /// <inheritdoc/>
    public override int? WindowOf(int layer) => _windows[layer];

    /// <inheritdoc/>
    public override ExpertStyle? ExpertsOf(int layer) => _layers[layer] ? _experts : null;
}
