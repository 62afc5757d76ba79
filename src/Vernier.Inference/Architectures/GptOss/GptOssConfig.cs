using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Parts.Experts;

namespace Vernier.Inference.Architectures.GptOss;

/// <summary>What config.json says about a gpt-oss: sinks of attention, a sliding window in every second layer, experts with bounded
/// gates.</summary>
internal sealed class GptOssConfig : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""
        {"head_dim": 64, "rms_norm_eps": 1e-5, "num_key_value_heads": 8, "num_experts_per_tok": 4, "sliding_window": 128,
        "rope_theta": 150000, "attention_bias": true, "swiglu_limit": 7}
        """);

    private readonly bool _bias;
    private readonly string[] _types;
    private readonly int _window;
    private readonly ExpertStyle _experts;

    /// <summary>Reads the file.</summary>
    public GptOssConfig(ConfigObject root)
        : base(root.As(s_keys), new TransformerRules())
    {
        root = root.As(s_keys);
        _bias = root.Flag("attention_bias", true);
        _window = ReadWindow(root)!.Value;
        _types = LayerTypes.Read(root, LayerCount, layer => layer % 2 == 0 ? LayerTypes.Sliding : LayerTypes.Full, LayerTypes.Full,
            LayerTypes.Sliding);
        if (root.Has("experts_per_token"))
            root.Integer("experts_per_token", 1, ExpertReader.Most);
        // The context that training began with; the rope scaling says it too.
        root.Has("initial_context_length");
        _experts = new ExpertStyle(new ExpertRouting
        {
            Experts = root.Integer("num_local_experts", 1, ExpertReader.Most),
            PerToken = ExpertReader.PerToken(root, "num_local_experts"),
            Scores = ExpertScores.SoftmaxOfChosen,
        }, IntermediateSize)
        {
            Router = "mlp.router",
            Inputs = ["gate_up_proj"],
            IsInterleaved = true,
            HasBias = true,
            Limit = (float)root.Number("swiglu_limit", 0, 1e9),
        };
    }

    /// <inheritdoc/>
    public override TransformerNames Names { get; } = new() { Sinks = "self_attn.sinks" };

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => _bias;

    /// <inheritdoc/>
    public override bool OutputBias => _bias;

    /// <inheritdoc/>
    public override int? WindowOf(int layer) => _types[layer] == LayerTypes.Sliding ? _window : null;

    /// <inheritdoc/>
    public override ExpertStyle? ExpertsOf(int layer) => _experts;
}
