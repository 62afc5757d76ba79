using System.Text.Json.Nodes;
using Vernier.Files.Gguf;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Glm;

/// <summary>GLM-4 0414 in GGUF files.</summary>
internal sealed class Glm4Gguf() : TransformerGguf("glm4", "glm4", "Glm4ForCausalLM")
{
    /// <inheritdoc/>
    private protected override GgufLimits Limits { get; } = new();

    /// <inheritdoc/>
    protected override bool StatesRotaryPart => true;

    /// <inheritdoc/>
    protected override void AddFeatures(JsonObject config, GgufMetadata metadata, GgufFile file)
    {
        config["attention_bias"] = file.TryGet("blk.0.attn_q.bias", out _);
    }
}
