using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Qwen2;

/// <summary>Qwen 2 in GGUF files.</summary>
internal sealed class Qwen2Gguf() : TransformerGguf("qwen2", "qwen2", "Qwen2ForCausalLM")
{
    /// <inheritdoc/>
    protected override int? LayersOf70B => 80;
}
