using System.Text.Json.Nodes;
using Vernier.Files.Gguf;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Phi3;

/// <summary>Phi-3 in GGUF files.</summary>
internal sealed class Phi3Gguf() : TransformerGguf("phi3", "phi3", "Phi3ForCausalLM")
{
    /// <inheritdoc/>
    protected override bool KeepsLongRope => true;

    /// <inheritdoc/>
    protected override void AddFeatures(JsonObject config, GgufMetadata metadata, GgufFile file) =>
        config["sliding_window"] = WindowOf(metadata);

    /// <inheritdoc/>
    protected override void AddContext(JsonObject config, GgufMetadata metadata)
    {
        if (metadata.Integer($"{Name}.rope.scaling.original_context_length") is long original)
            config["original_max_position_embeddings"] = original;
    }

    /// <inheritdoc/>
    protected override int? SlidingWindowOf(TransformerConfig config) => ((Phi3Config)config).SlidingWindow;
}
