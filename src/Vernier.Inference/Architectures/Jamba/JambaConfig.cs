using System.Text.Json;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Parts.Experts;

namespace Vernier.Inference.Architectures.Jamba;

/// <summary>What config.json says about a Jamba.</summary>
internal sealed class JambaConfig : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""{"num_key_value_heads": 8, "num_experts": 16, "num_experts_per_tok": 2}""");

    private readonly int _attentionPeriod, _attentionOffset, _expertPeriod, _expertOffset;
    private readonly ExpertStyle? _experts;
    private readonly int? _window;

    /// <summary>Reads the file.</summary>
    public JambaConfig(ConfigObject root)
        : base(root.As(s_keys), new TransformerRules { Rope = null })
    {
        root = root.As(s_keys);
        (_attentionPeriod, _attentionOffset) = Period(root, "attn_layer", 8, 4);
        (_expertPeriod, _expertOffset) = Period(root, "expert_layer", 2, 1);
        _window = root.Has("sliding_window") ? ReadWindow(root) : null;
        int rank = root.Element.TryGetProperty("mamba_dt_rank", out JsonElement value) && value.ValueKind == JsonValueKind.Number
            ? root.Integer("mamba_dt_rank", 1, 1 << 20) : (HiddenSize + 15) / 16;
        root.Has("mamba_dt_rank");
        Mamba = new MambaStyle(HiddenSize * root.Integer("mamba_expand", 1, 64, 2), root.Integer("mamba_d_state", 1, 4096, 16), rank,
            root.Integer("mamba_d_conv", 2, 64, 4), root.Flag("mamba_proj_bias", false), root.Flag("mamba_conv_bias", true));
        StateSpaceMembers.Note(root);
        if (root.Integer("num_experts", 1, ExpertReader.Most) > 1)
            _experts = new ExpertStyle(new ExpertRouting
            {
                Experts = root.Integer("num_experts", 1, ExpertReader.Most),
                PerToken = ExpertReader.PerToken(root, "num_experts"),
            }, IntermediateSize) { Router = "feed_forward.router", Experts = "feed_forward.experts." };
        root.Has("num_experts_per_tok");
    }

    /// <inheritdoc/>
    public override TransformerNames Names { get; } = new()
    {
        FinalNorm = "model.final_layernorm",
        FeedForwardNorm = "pre_ff_layernorm",
        FeedForwardInputs = ["feed_forward.gate_proj", "feed_forward.up_proj"],
        FeedForwardOutput = "feed_forward.down_proj",
    };

    /// <summary>The layers of Mamba.</summary>
    public MambaStyle Mamba { get; }

    /// <summary>Whether a layer attends.</summary>
    public bool Attends(int layer) => layer % _attentionPeriod == _attentionOffset;

    /// <inheritdoc/>
    public override int? WindowOf(int layer) => _window;

    /// <inheritdoc/>
    public override ExpertStyle? ExpertsOf(int layer) => layer % _expertPeriod == _expertOffset ? _experts : null;

    private static (int Period, int Offset) Period(ConfigObject root, string member, int period, int offset)
    {
        int each = root.Integer(member + "_period", 1, MostLayers, period);
        return (each, root.Integer(member + "_offset", 0, MostLayers, offset));
    }
}
