using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Phi;

/// <summary>Phi 1, 1.5 and 2 in GGUF files.</summary>
internal sealed class PhiGguf() : TransformerGguf("phi2", "phi", "PhiForCausalLM")
{
    /// <inheritdoc/>
    private protected override GgufLimits Limits { get; } = new()
    {
        Activations = [Activation.GeluTanh, Activation.Gelu],
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
    protected override string HiddenActivation => "gelu_new";

    /// <inheritdoc/>
    protected override IReadOnlyList<(string Common, string Own)> Members { get; } =
        [("rms_norm_eps", "layer_norm_eps")];
}
