using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.SmolLm3;

/// <summary>SmolLM3 (Hugging Face, 2025).</summary>
internal sealed class SmolLm3Architecture() : TransformerFamily<SmolLm3Config>("smollm3", root => new SmolLm3Config(root))
{
    /// <inheritdoc/>
    public override GgufArchitecture Gguf { get; } = new SmolLm3Gguf();
}
