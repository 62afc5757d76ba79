using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Olmo;

/// <summary>OLMo 2 in GGUF files.</summary>
internal sealed class Olmo2Gguf() : TransformerGguf("olmo2", "olmo2", "Olmo2ForCausalLM")
{
    /// <inheritdoc/>
    private protected override GgufLimits Limits { get; } = new()
    {
        QueryKeyValueBias = false,
        FillsHidden = true,
    };
}
