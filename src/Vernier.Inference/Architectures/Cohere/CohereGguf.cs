using System.Text.Json.Nodes;
using Vernier.Files.Gguf;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Cohere;

/// <summary>Command R in GGUF files.</summary>
internal sealed class CohereGguf() : TransformerGguf("command-r", "cohere", "CohereForCausalLM")
{
    // By this llama.cpp knows Command R+, which has norms of heads.
    private const int LayersWithNorms = 64;

    /// <inheritdoc/>
    private protected override GgufLimits Limits { get; } = new()
    {
        FillsHidden = true,
        Tied = true,
    };

    /// <inheritdoc/>
    protected override bool HasLayerNorm => true;

    /// <inheritdoc/>
    protected override IReadOnlyList<(string Common, string Own)> Members { get; } =
        [("rms_norm_eps", "layer_norm_eps")];

    /// <inheritdoc/>
    private protected override void AddKeys(TransformerConfig config, Action<string, object> add)
    {
        add("logit_scale", config.LogitScale);
    }

    /// <inheritdoc/>
    protected override void AddFeatures(JsonObject config, GgufMetadata metadata, GgufFile file)
    {
        config["logit_scale"] = metadata.Decimal($"{Name}.logit_scale") is double scale and > 0 ? scale : 1;
        config["use_qk_norm"] = file.TryGet("blk.0.attn_q_norm.weight", out _);
        config["attention_bias"] = file.TryGet("blk.0.attn_q.bias", out _);
    }

    /// <inheritdoc/>
    public override string? Problem(ModelConfig config) => base.Problem(config)
        ?? (((TransformerConfig)config).Names.QueryNorm is null == config.LayerCount >= LayersWithNorms
            ? $"norms of heads in fewer than {LayersWithNorms} layers, or without them in more" : null);
}
