using System.Text.Json.Nodes;
using Vernier.Files.Gguf;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Falcon;

/// <summary>Falcon in GGUF files.</summary>
internal sealed class FalconGguf() : TransformerGguf("falcon", "falcon", "FalconForCausalLM")
{
    /// <inheritdoc/>
    private protected override GgufLimits Limits { get; } = new()
    {
        Activations = [Activation.GeluTanh, Activation.Gelu],
        QueryKeyValueBias = false,
        FillsHidden = true,
    };

    /// <inheritdoc/>
    protected override bool HasLayerNorm => true;

    /// <inheritdoc/>
    protected override string HiddenActivation => "gelu";

    /// <inheritdoc/>
    protected override IReadOnlyList<(string Common, string Own)> Members { get; } =
        [("rms_norm_eps", "layer_norm_epsilon"), ("hidden_act", "activation"), ("intermediate_size", "ffn_hidden_size")];

    /// <inheritdoc/>
    protected override IReadOnlyList<(string Hf, string Gguf)> FurtherParts(TransformerConfig config) =>
        config.Names.AttentionNorm == "ln_attn" ? [("ln_attn", "attn_norm_2"), ("ln_mlp", "attn_norm")] : [];

    /// <inheritdoc/>
    protected override void AddFeatures(JsonObject config, GgufMetadata metadata, GgufFile file)
    {
        long keys = (long)config["num_key_value_heads"]!;
        bool two = file.TryGet("blk.0.attn_norm_2.weight", out _);
        config["new_decoder_architecture"] = two || keys > 1;
        config["multi_query"] = keys == 1;
        config["num_kv_heads"] = keys;
        config["num_ln_in_parallel_attn"] = two ? 2 : 1;
        config["parallel_attn"] = true;
        config["bias"] = false;
        config["alibi"] = false;
        config.Remove("num_key_value_heads");
    }

    /// <inheritdoc/>
    public override string? Problem(ModelConfig config) => base.Problem(config)
        ?? (((TransformerConfig)config).Order != ResidualOrder.Parallel ? "parts one after the other"
            : ((TransformerConfig)config).RopeOf(0) is null ? "ALiBi" : null);
}
