using System.Text.Json.Nodes;
using Vernier.Files.Gguf;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Cohere;

/// <summary>Command R7B and A in GGUF files.</summary>
internal sealed class Cohere2Gguf() : TransformerGguf("cohere2", "cohere2", "Cohere2ForCausalLM")
{
    // Every fourth layer sees the whole context and does not rotate.
    private const int Period = 4;

    /// <inheritdoc/>
    private protected override GgufLimits Limits { get; } = new()
    {
        FillsHidden = true,
        Tied = true,
        Window = (config, layer) => (layer + 1) % Period == 0 ? null : config.WindowOf(0),
        Rotates = layer => (layer + 1) % Period != 0,
    };

    /// <inheritdoc/>
    protected override bool HasLayerNorm => true;

    /// <inheritdoc/>
    protected override IReadOnlyList<(string Common, string Own)> Members { get; } =
        [("rms_norm_eps", "layer_norm_eps")];

    /// <inheritdoc/>
    protected override int? SlidingWindowOf(TransformerConfig config) => config.WindowOf(0) ?? config.MaxPositions;

    /// <inheritdoc/>
    private protected override void AddKeys(TransformerConfig config, Action<string, object> add)
    {
        add("logit_scale", config.LogitScale);
    }

    /// <inheritdoc/>
    protected override void AddFeatures(JsonObject config, GgufMetadata metadata, GgufFile file)
    {
        config["logit_scale"] = metadata.Decimal($"{Name}.logit_scale") is double scale and > 0 ? scale : 1;
        config["sliding_window"] = metadata.NeedInteger($"{Name}.attention.sliding_window");
        config["sliding_window_pattern"] = Period;
        config["attention_bias"] = file.TryGet("blk.0.attn_q.bias", out _);
    }

    /// <inheritdoc/>
    public override string? Problem(ModelConfig config) => base.Problem(config)
        ?? (((TransformerConfig)config).Names.QueryNorm is null ? null : "norms of heads");
}
