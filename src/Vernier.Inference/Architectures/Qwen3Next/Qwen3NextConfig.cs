using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Parts.Experts;
using Vernier.Inference.Parts.StateSpaces;

namespace Vernier.Inference.Architectures.Qwen3Next;

/// <summary>What config.json says about a Qwen3-Next.</summary>
internal sealed class Qwen3NextConfig : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""
        {"head_dim": 256, "num_key_value_heads": 2, "linear_conv_kernel_dim": 4, "linear_key_head_dim": 128, "linear_value_head_dim": 128,
        "linear_num_key_heads": 16, "linear_num_value_heads": 32, "moe_intermediate_size": 512, "shared_expert_intermediate_size": 512,
        "num_experts_per_tok": 10}
        """);

    private static readonly RopeRules s_rope =
        RopeRules.PartOfHead with { PartialDefault = 0.25, Harmless = ["mrope_section", "mrope_interleaved"] };

    private readonly bool _bias;
    private readonly string[] _types;
    private readonly ExpertLayers _layers;
    private readonly ExpertStyle? _experts;

    /// <summary>Reads the file.</summary>
    /// <param name="root">Its object.</param>
    /// <param name="joined">Whether the projections of the delta rule are joined by key heads.</param>
    public Qwen3NextConfig(ConfigObject root, bool joined)
        : base(root.As(s_keys), new TransformerRules { Rope = s_rope })
    {
        root = root.As(s_keys);
        IsJoined = joined;
        _bias = root.Flag("attention_bias", false);
        int interval = root.Integer("full_attention_interval", 1, MostLayers, 4);
        _types = LayerTypes.Read(root, LayerCount, layer => (layer + 1) % interval == 0 ? LayerTypes.Full : LayerTypes.Linear,
            LayerTypes.Full, LayerTypes.Linear);
        Sizes = new DeltaShape(root.Integer("linear_num_key_heads", 1, 4096), root.Integer("linear_num_value_heads", 1, 4096),
            root.Integer("linear_key_head_dim", 1, 4096), root.Integer("linear_value_head_dim", 1, 4096));
        if (Sizes.ValueHeads % Sizes.KeyHeads != 0)
            throw root.Error(ModelRules.ConfigHeads,
                $"'linear_num_value_heads' is {Sizes.ValueHeads}, not a multiple of 'linear_num_key_heads', {Sizes.KeyHeads}");
        Kernel = root.Integer("linear_conv_kernel_dim", 2, 64);
        _layers = new ExpertLayers(root, LayerCount);
        root.Has("mtp_num_hidden_layers");
        if (!joined || root.Integer("num_experts", 0, ExpertReader.Most, 512) == 0)
            return;
        _experts = new ExpertStyle(new ExpertRouting
        {
            Experts = root.Integer("num_experts", 1, ExpertReader.Most, 512),
            PerToken = root.Integer("num_experts_per_tok", 1, root.Integer("num_experts", 1, ExpertReader.Most, 512)),
            Normalize = root.Flag("norm_topk_prob", true),
        }, root.Integer("moe_intermediate_size", 1, 1 << 22))
        {
            Shared = "mlp.shared_expert.",
            SharedSize = root.Integer("shared_expert_intermediate_size", 1, 1 << 22),
            SharedGate = "mlp.shared_expert_gate",
        };
    }

    /// <summary>Whether the projections of the delta rule are joined by key heads.</summary>
    public bool IsJoined { get; }

    /// <summary>The sizes of the delta rule.</summary>
    public DeltaShape Sizes { get; }

    /// <summary>The length of its convolution.</summary>
    public int Kernel { get; }

    /// <inheritdoc/>
    public override TransformerNames Names { get; } = new() { QueryNorm = "self_attn.q_norm", KeyNorm = "self_attn.k_norm" };

    /// <inheritdoc/>
    public override NormStyle Norms => NormStyle.RmsFromOne;

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => _bias;

    /// <inheritdoc/>
    public override bool OutputBias => _bias;

    /// <inheritdoc/>
    public override bool HasAttentionGate => true;

    /// <summary>Whether a layer attends.</summary>
    public bool Attends(int layer) => _types[layer] == LayerTypes.Full;

    /// <inheritdoc/>
    public override ExpertStyle? ExpertsOf(int layer) => _layers[layer] ? _experts : null;
}
