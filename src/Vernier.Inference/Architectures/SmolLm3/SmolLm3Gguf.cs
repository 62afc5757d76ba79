using System.Text.Json.Nodes;
using Vernier.Files.Gguf;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.SmolLm3;

/// <summary>SmolLM3 in GGUF files.</summary>
internal sealed class SmolLm3Gguf() : TransformerGguf("smollm3", "smollm3", "SmolLM3ForCausalLM")
{
    // Every fourth layer does not rotate.
    private const int Period = 4;

    /// <inheritdoc/>
    protected override bool AlternatesRows => true;

    /// <inheritdoc/>
    private protected override GgufLimits Limits { get; } = new()
    {
        FeedForwardBias = true,
        OutputBias = true,
        Rotates = layer => (layer + 1) % Period != 0,
    };

    /// <inheritdoc/>
    protected override void AddFeatures(JsonObject config, GgufMetadata metadata, GgufFile file)
    {
        config["attention_bias"] = file.TryGet("blk.0.attn_q.bias", out _);
        config["mlp_bias"] = file.TryGet("blk.0.ffn_up.bias", out _);
        config["no_rope_layer_interval"] = Period;
    }
}
