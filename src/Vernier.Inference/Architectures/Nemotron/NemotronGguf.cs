using System.Text.Json.Nodes;
using Vernier.Files.Gguf;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Nemotron;

/// <summary>Nemotron-4 and Minitron in GGUF files.</summary>
internal sealed class NemotronGguf() : TransformerGguf("nemotron", "nemotron", "NemotronForCausalLM")
{
    /// <inheritdoc/>
    private protected override GgufLimits Limits { get; } = new()
    {
        Activations = [Activation.SquaredRelu],
        OutputBias = true,
        FeedForwardBias = true,
        FillsHidden = true,
        Tied = false,
    };

    /// <inheritdoc/>
    protected override bool HasLayerNorm => true;

    /// <inheritdoc/>
    protected override bool StatesRotaryPart => true;

    /// <inheritdoc/>
    protected override string HiddenActivation => "relu2";

    /// <inheritdoc/>
    protected override IReadOnlyList<(string Common, string Own)> Members { get; } =
        [("rms_norm_eps", "norm_eps")];

    /// <inheritdoc/>
    protected override void AddFeatures(JsonObject config, GgufMetadata metadata, GgufFile file)
    {
        config["attention_bias"] = file.TryGet("blk.0.attn_q.bias", out _);
        config["mlp_bias"] = file.TryGet("blk.0.ffn_up.bias", out _);
    }
}
