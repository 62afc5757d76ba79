using System.Text.Json.Nodes;
using Vernier.Files.Gguf;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.StableLm;

/// <summary>StableLM in GGUF files.</summary>
internal sealed class StableLmGguf() : TransformerGguf("stablelm", "stablelm", "StableLmForCausalLM")
{
    /// <inheritdoc/>
    private protected override GgufLimits Limits { get; } = new()
    {
        FillsHidden = true,
        Tied = false,
    };

    /// <inheritdoc/>
    protected override bool HasLayerNorm => true;

    /// <inheritdoc/>
    protected override bool StatesRotaryPart => true;

    /// <inheritdoc/>
    protected override IReadOnlyList<(string Common, string Own)> Members { get; } =
        [("rms_norm_eps", "layer_norm_eps")];

    /// <inheritdoc/>
    protected override IReadOnlyList<(string Hf, string Gguf)> FurtherParts(TransformerConfig config) =>
        [("self_attn.q_layernorm.norms.*", "attn_q_norm"), ("self_attn.k_layernorm.norms.*", "attn_k_norm")];

    /// <inheritdoc/>
    protected override void AddFeatures(JsonObject config, GgufMetadata metadata, GgufFile file)
    {
        config["use_qkv_bias"] = file.TryGet("blk.0.attn_q.bias", out _);
        config["qk_layernorm"] = file.TryGet("blk.0.attn_q_norm.weight", out _);
        config["use_parallel_residual"] = !file.TryGet("blk.0.ffn_norm.weight", out _);
    }
}
