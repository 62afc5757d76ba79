using System.Text.Json.Nodes;
using Vernier.Files.Gguf;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Llama;

/// <summary>Llama in GGUF files.</summary>
internal sealed class LlamaGguf() : TransformerGguf("llama", "llama", "LlamaForCausalLM")
{
    /// <inheritdoc/>
    protected override bool AlternatesRows => true;

    /// <inheritdoc/>
    protected override bool HasExperts => true;

    /// <inheritdoc/>
    protected override int? LayersOf70B => 80;

    /// <inheritdoc/>
    protected override void AddFeatures(JsonObject config, GgufMetadata metadata, GgufFile file)
    {
        if (metadata.Integer($"{Name}.expert_count") is > 0)
        {
            // A Llama with experts is a Mixtral.
            config["architectures"] = new JsonArray("MixtralForCausalLM");
            config["model_type"] = "mixtral";
            config["sliding_window"] = metadata.Integer($"{Name}.attention.sliding_window") is long and > 0 and var slides ? slides : null;
            AddExperts(config, metadata, "num_local_experts", null);
            return;
        }
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
