using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Mistral;

/// <summary>Mistral in GGUF files: for llama.cpp a Llama.</summary>
internal sealed class MistralGguf() : TransformerGguf("llama", "llama", "LlamaForCausalLM")
{
    /// <inheritdoc/>
    protected override bool AlternatesRows => true;

    /// <inheritdoc/>
    protected override int? LayersOf70B => 80;

    /// <inheritdoc/>
    protected override int? SlidingWindowOf(TransformerConfig config) => ((MistralConfig)config).SlidingWindow;
}
