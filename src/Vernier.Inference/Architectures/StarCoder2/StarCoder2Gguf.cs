using System.Text.Json.Nodes;
using Vernier.Files.Gguf;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.StarCoder2;

/// <summary>StarCoder2 in GGUF files.</summary>
internal sealed class StarCoder2Gguf() : TransformerGguf("starcoder2", "starcoder2", "Starcoder2ForCausalLM")
{
    /// <inheritdoc/>
    private protected override GgufLimits Limits { get; } = new()
    {
        Activations = [Activation.GeluTanh, Activation.Gelu],
        OutputBias = true,
        FeedForwardBias = true,
        FillsHidden = true,
        Window = (config, layer) => config.WindowOf(layer),
    };

    /// <inheritdoc/>
    protected override bool HasLayerNorm => true;

    /// <inheritdoc/>
    protected override string HiddenActivation => "gelu_pytorch_tanh";

    /// <inheritdoc/>
    protected override IReadOnlyList<(string Common, string Own)> Members { get; } =
        [("rms_norm_eps", "norm_epsilon")];

    /// <inheritdoc/>
    protected override int? SlidingWindowOf(TransformerConfig config) => config.WindowOf(0);

    /// <inheritdoc/>
    protected override void AddFeatures(JsonObject config, GgufMetadata metadata, GgufFile file)
    {
        config["use_bias"] = file.TryGet("blk.0.attn_q.bias", out _);
        config["sliding_window"] = metadata.Integer($"{Name}.attention.sliding_window") is long window and > 0 ? window : null;
    }
}
