using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Gemma;

/// <summary>Gemma in GGUF files.</summary>
internal sealed class GemmaGguf() : TransformerGguf("gemma", "gemma", "GemmaForCausalLM")
{
    /// <inheritdoc/>
    private protected override GgufLimits Limits { get; } = new()
    {
        Activations = [Activation.GeluTanh],
        Tied = true,
        QueryKeyValueBias = false,
    };

    /// <inheritdoc/>
    protected override string HiddenActivation => "gelu_pytorch_tanh";
}
