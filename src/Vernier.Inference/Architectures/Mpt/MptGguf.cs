using System.Text.Json.Nodes;
using Vernier.Files.Gguf;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Mpt;

/// <summary>MPT in GGUF files.</summary>
internal sealed class MptGguf() : TransformerGguf("mpt", "mpt", "MPTForCausalLM")
{
    /// <inheritdoc/>
    private protected override GgufLimits Limits { get; } = new()
    {
        Activations = [Activation.GeluTanh, Activation.Gelu],
        HasClip = true,
        FillsHidden = true,
    };

    /// <inheritdoc/>
    protected override bool Rotates => false;

    /// <inheritdoc/>
    protected override bool HasLayerNorm => true;

    /// <inheritdoc/>
    protected override string HiddenActivation => "gelu";

    /// <inheritdoc/>
    protected override IReadOnlyList<(string Common, string Own)> Members { get; } =
        [("hidden_size", "d_model"), ("num_attention_heads", "n_heads"), ("num_hidden_layers", "n_layers"),
            ("max_position_embeddings", "max_seq_len"), ("rms_norm_eps", "layer_norm_epsilon")];

    /// <inheritdoc/>
    private protected override void AddKeys(TransformerConfig config, Action<string, object> add)
    {
        add("attention.max_alibi_bias", (float)((MptConfig)config).LargestSlope);
        if (config.Clip is float clip)
            add("attention.clamp_kqv", clip);
    }

    /// <inheritdoc/>
    protected override void AddFeatures(JsonObject config, GgufMetadata metadata, GgufFile file)
    {
        var attention = new JsonObject { ["alibi"] = true, ["alibi_bias_max"] = metadata.Decimal($"{Name}.attention.max_alibi_bias") ?? 8 };
        if (metadata.Decimal($"{Name}.attention.clamp_kqv") is double clip and > 0)
            attention["clip_qkv"] = clip;
        config["attn_config"] = attention;
    }
}
