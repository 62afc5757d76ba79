using System.Text.Json.Nodes;
using Vernier.Files.Gguf;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Granite;

/// <summary>Granite in GGUF files.</summary>
internal sealed class GraniteGguf() : TransformerGguf("granite", "granite", "GraniteForCausalLM")
{
    /// <inheritdoc/>
    protected override bool AlternatesRows => true;

    /// <inheritdoc/>
    private protected override GgufLimits Limits { get; } = new()
    {
        OutputBias = true,
        FeedForwardBias = true,
        HasRopeFactors = true,
        Scale = config => config.ScoresOf(0).Scale ?? 1 / Math.Sqrt(config.HeadSize),
    };

    /// <inheritdoc/>
    private protected override void AddKeys(TransformerConfig config, Action<string, object> add)
    {
        add("attention.scale", (float)config.ScoresOf(0).Scale!.Value);
        add("embedding_scale", config.EmbeddingScale);
        add("residual_scale", config.ResidualScale);
        add("logit_scale", 1 / config.LogitScale);
    }

    /// <inheritdoc/>
    protected override void AddFeatures(JsonObject config, GgufMetadata metadata, GgufFile file)
    {
        config["attention_bias"] = file.TryGet("blk.0.attn_q.bias", out _);
        config["mlp_bias"] = file.TryGet("blk.0.ffn_up.bias", out _);
        config["attention_multiplier"] = Factor("attention.scale") ?? 1 / Math.Sqrt((long)config["head_dim"]!);
        config["embedding_multiplier"] = Factor("embedding_scale") ?? 1;
        config["residual_multiplier"] = Factor("residual_scale") ?? 1;
        config["logits_scaling"] = Factor("logit_scale") ?? 1;
        
        double? Factor(string key) => metadata.Decimal($"{Name}.{key}") is double factor && factor != 0 ? factor : null;
    }
}
