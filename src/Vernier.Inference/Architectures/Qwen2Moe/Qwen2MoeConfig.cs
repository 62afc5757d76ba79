using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Parts.Experts;

namespace Vernier.Inference.Architectures.Qwen2Moe;

/// <summary>What config.json says about a Qwen 2 with experts: one of them for all tokens, behind a gate of its own.</summary>
internal sealed class Qwen2MoeConfig : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""
        {"num_experts": 60, "num_experts_per_tok": 4, "moe_intermediate_size": 1408, "shared_expert_intermediate_size": 5632}
        """);

    private readonly LayerWindows _windows;
    private readonly ExpertLayers _layers;
    private readonly ExpertStyle _experts;

    /// <summary>Reads the file.</summary>
    public Qwen2MoeConfig(ConfigObject root)
        : base(root.As(s_keys), new TransformerRules { KeyValueHeads = 16 })
    {
        root = root.As(s_keys);
        _windows = new LayerWindows(root, LayerCount);
        QueryKeyValueBias = root.Flag("qkv_bias", true);
        _layers = new ExpertLayers(root, LayerCount);
        _experts = new ExpertStyle(new ExpertRouting
        {
            Experts = root.Integer("num_experts", 1, ExpertReader.Most),
            PerToken = ExpertReader.PerToken(root, "num_experts"),
            Normalize = root.Flag("norm_topk_prob", false),
        }, root.Integer("moe_intermediate_size", 1, 1 << 22))
        {
            Shared = "mlp.shared_expert.",
            SharedSize = root.Integer("shared_expert_intermediate_size", 1, 1 << 22),
            SharedGate = "mlp.shared_expert_gate",
        };
    }

    /// <inheritdoc/>
    public override bool QueryKeyValueBias { get; }

    /// <inheritdoc/>
    public override int? WindowOf(int layer) => _windows[layer];

    /// <inheritdoc/>
    public override ExpertStyle? ExpertsOf(int layer) => _layers[layer] ? _experts : null;
}
