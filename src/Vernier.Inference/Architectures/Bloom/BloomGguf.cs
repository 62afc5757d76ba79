using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Bloom;

/// <summary>BLOOM in GGUF files.</summary>
internal sealed class BloomGguf() : TransformerGguf("bloom", "bloom", "BloomForCausalLM")
{
    /// <inheritdoc/>
    private protected override GgufLimits Limits { get; } = new()
    {
        Activations = [Activation.GeluTanh, Activation.Gelu],
        OutputBias = true,
        FeedForwardBias = true,
        FillsHidden = true,
    };

    /// <inheritdoc/>
    protected override bool Rotates => false;

    /// <inheritdoc/>
    protected override bool HasLayerNorm => true;

    /// <inheritdoc/>
    protected override string HiddenActivation => "gelu_pytorch_tanh";

    /// <inheritdoc/>
    protected override IReadOnlyList<(string Common, string Own)> Members { get; } =
        [("rms_norm_eps", "layer_norm_epsilon")];
}
