using System.Text.Json.Nodes;
using Vernier.Files.Gguf;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Olmo;

/// <summary>OLMo in GGUF files.</summary>
internal sealed class OlmoGguf() : TransformerGguf("olmo", "olmo", "OlmoForCausalLM")
{
    /// <inheritdoc/>
    private protected override GgufLimits Limits { get; } = new()
    {
        QueryKeyValueBias = false,
        HasClip = true,
        FillsHidden = true,
    };

    /// <inheritdoc/>
    protected override bool AlternatesRows => true;

    /// <inheritdoc/>
    protected override bool HasLayerNorm => true;

    /// <inheritdoc/>
    private protected override void AddKeys(TransformerConfig config, Action<string, object> add)
    {
        if (config.Clip is float clip)
            add("attention.clamp_kqv", clip);
    }

    /// <inheritdoc/>
    protected override void AddFeatures(JsonObject config, GgufMetadata metadata, GgufFile file)
    {
        config["clip_qkv"] = metadata.Decimal($"{Name}.attention.clamp_kqv") is double clip and > 0 ? clip : null;
    }
}
