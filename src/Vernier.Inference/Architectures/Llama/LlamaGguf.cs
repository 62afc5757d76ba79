using System.Text.Json.Nodes;
using Vernier.Files.Gguf;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Llama;

/// <summary>Llama in GGUF files.</summary>
internal sealed class LlamaGguf() : TransformerGguf("llama", "llama", "LlamaForCausalLM", TransformerNames.Llama)
{
    /// <inheritdoc/>
    protected override bool AlternatesRows => true;

    /// <inheritdoc/>
    protected override int? LayersOf70B => 80;

    /// <inheritdoc/>
    protected override void AddFeatures(JsonObject config, GgufMetadata metadata, GgufFile file)
    {
        config["attention_bias"] = file.TryGet("blk.0.attn_q.bias", out _);
        config["mlp_bias"] = file.TryGet("blk.0.ffn_up.bias", out _);
        // A Llama with a window is a Mistral.
        if (WindowOf(metadata) is not long window)
            return;
        config["architectures"] = new JsonArray("MistralForCausalLM");
        config["model_type"] = "mistral";
        config["sliding_window"] = window;
    }
}
