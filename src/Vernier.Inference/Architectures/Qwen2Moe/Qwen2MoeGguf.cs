using System.Text.Json.Nodes;
using Vernier.Files.Gguf;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Qwen2Moe;

/// <summary>Qwen 1.5 and 2 with experts in GGUF files.</summary>
internal sealed class Qwen2MoeGguf() : TransformerGguf("qwen2moe", "qwen2_moe", "Qwen2MoeForCausalLM")
{
    private const string Gate = ".shared_expert_gate.weight";

    /// <inheritdoc/>
    protected override bool HasExperts => true;

    /// <inheritdoc/>
    private protected override GgufLimits Limits { get; } = new()
    {
        Normalizes = false,
        Tied = false,
        FillsHidden = true,
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
        config["shared_expert_intermediate_size"] = metadata.Integer($"{Name}.expert_shared_feed_forward_length")
            ?? (long)config["intermediate_size"]!;
        config["norm_topk_prob"] = false;
        config["qkv_bias"] = file.TryGet("blk.0.attn_q.bias", out _);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<long> ToGgufShape(string hfName, IReadOnlyList<long> shape, ModelConfig config) =>
        hfName.EndsWith(Gate, StringComparison.Ordinal) && shape is [1, _] ? [shape[1]] : shape;

    /// <inheritdoc/>
    public override IReadOnlyList<long> ToHfShape(string hfName, IReadOnlyList<long> shape, ModelConfig config) =>
        hfName.EndsWith(Gate, StringComparison.Ordinal) && shape is [_] ? [1, shape[0]] : shape;
}
