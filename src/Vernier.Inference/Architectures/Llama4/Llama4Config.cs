using System.Text.Json;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Parts.Attention;
using Vernier.Inference.Parts.Experts;

namespace Vernier.Inference.Architectures.Llama4;

/// <summary>
/// What config.json says about a Llama 4: layers that rotate and attend within chunks, layers that do neither and sharpen their queries
/// with the position, experts whose input is weighed.
/// </summary>
internal sealed class Llama4Config : TransformerConfig
{
    private static readonly FamilyKeys s_keys = new("""
        {"head_dim": 128, "rms_norm_eps": 1e-5, "num_key_value_heads": 8, "num_experts_per_tok": 1, "num_local_experts": 16,
        "intermediate_size_mlp": 16384, "interleave_moe_layer_step": 1, "rope_theta": 500000, "use_qk_norm": true,
        "attention_chunk_size": 8192, "no_rope_layer_interval": 4, "attn_temperature_tuning": true, "floor_scale": 8192,
        "attn_scale": 0.1}
        """);

    private readonly bool _bias, _tuned;
    private readonly bool[] _rotates, _sparse;
    private readonly string[] _types;
    private readonly int _chunk, _dense;
    private readonly float _floor, _scale;
    private readonly ExpertStyle _experts;

    /// <summary>Reads the file.</summary>
    public Llama4Config(ConfigObject root)
        : base(root.As(s_keys), new TransformerRules { Rope = RopeRules.Default with { Interleaved = true } })
    {
        root = root.As(s_keys);
        _bias = root.Flag("attention_bias", false);
        NormsHeads = root.Flag("use_qk_norm", true);
        int interval = root.Integer("no_rope_layer_interval", 1, MostLayers);
        _rotates = LayerTypes.Flags(root, "no_rope_layers", LayerCount, layer => (layer + 1) % interval != 0);
        _types = LayerTypes.Read(root, LayerCount, layer => _rotates[layer] ? LayerTypes.Chunked : LayerTypes.Full, LayerTypes.Full,
            LayerTypes.Chunked);
        _chunk = root.Integer("attention_chunk_size", 1, MostPositions);
        // A number in some files, a flag in others.
        _tuned = root.Element.TryGetProperty("attn_temperature_tuning", out JsonElement tuned) && tuned.ValueKind == JsonValueKind.Number
            ? root.Integer("attn_temperature_tuning", 0, 1 << 20) > 0 : root.Flag("attn_temperature_tuning", true);
        _floor = (float)root.Number("floor_scale", 0, 1e9);
        _scale = (float)root.Number("attn_scale", -1e9, 1e9);
        _dense = root.Integer("intermediate_size_mlp", 1, 1 << 22);
        int step = root.Integer("interleave_moe_layer_step", 1, MostLayers);
        int[]? listed = root.Has("moe_layers") ? root.Integers("moe_layers", 0, MostLayers) : null;
        _sparse = [.. Enumerable.Range(0, LayerCount).Select(layer => listed?.Contains(layer) ?? (layer + 1) % step == 0)];
        // Noise of training.
        root.Has("router_jitter_noise");
        _experts = new ExpertStyle(new ExpertRouting
        {
            Experts = root.Integer("num_local_experts", 1, ExpertReader.Most),
            PerToken = ExpertReader.PerToken(root, "num_local_experts"),
            Scores = ExpertScores.Sigmoid,
        }, IntermediateSize)
        {
            Router = "feed_forward.router",
            Experts = "feed_forward.experts.",
            Inputs = ["gate_up_proj"],
            SharedInputs = ["gate_proj", "up_proj"],
            Shared = "feed_forward.shared_expert.",
            SharedSize = IntermediateSize,
            WeighsInput = true,
        };
    }

    /// <inheritdoc/>
    public override TransformerNames Names { get; } = new()
    {
        FeedForwardInputs = ["feed_forward.gate_proj", "feed_forward.up_proj"],
        FeedForwardOutput = "feed_forward.down_proj",
    };

    /// <summary>Whether the heads of layers that rotate are normed.</summary>
    public bool NormsHeads { get; }

    /// <inheritdoc/>
    public override bool NormsAfterRotation => true;

    /// <inheritdoc/>
    public override bool QueryKeyValueBias => _bias;

    /// <inheritdoc/>
    public override bool OutputBias => _bias;

    /// <inheritdoc/>
    public override RopeConfig? RopeOf(int layer) => _rotates[layer] ? Rope : null;

    /// <inheritdoc/>
    public override AttentionShape AttentionOf(int layer) =>
        base.AttentionOf(layer) with { Chunk = _types[layer] == LayerTypes.Chunked ? _chunk : null };

    /// <inheritdoc/>
    public override Func<int, float>? TemperatureOf(int layer) => _rotates[layer] || !_tuned ? null
        : position => MathF.Log(1 + MathF.Floor((position + 1) / _floor)) * _scale + 1;

    /// <inheritdoc/>
    public override int IntermediateSizeOf(int layer) => _dense;

    /// <inheritdoc/>
    public override ExpertStyle? ExpertsOf(int layer) => _sparse[layer] ? _experts : null;
}
