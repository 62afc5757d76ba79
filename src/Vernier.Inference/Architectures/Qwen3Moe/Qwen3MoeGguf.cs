using System.Text.Json.Nodes;
using Vernier.Files.Gguf;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Qwen3Moe;

/// <summary>Qwen 3 with experts in GGUF files.</summary>
internal sealed class Qwen3MoeGguf() : TransformerGguf("qwen3moe", "qwen3_moe", "Qwen3MoeForCausalLM")
{
    /// <inheritdoc/>
    protected override bool HasExperts => true;

    /// <inheritdoc/>
    private protected override GgufLimits Limits { get; } = new()
    {
        Normalizes = true,
    };

    /// <inheritdoc/>
    private protected override void AddKeys(TransformerConfig config, Action<string, object> add)
    {
        AddExpertKeys(config, add, size: true);
    }

    /// <inheritdoc/>
    protected override void AddFeatures(JsonObject config, GgufMetadata metadata, GgufFile file)
    {
        AddExperts(config, metadata, "num_experts", "moe_intermediate_size");
        config["norm_topk_prob"] = true;
        config["attention_bias"] = file.TryGet("blk.0.attn_q.bias", out _);
    }
}
