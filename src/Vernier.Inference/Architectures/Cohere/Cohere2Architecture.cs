using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Cohere;

/// <summary>Command R7B and A (Cohere, 2025).</summary>
internal sealed class Cohere2Architecture() : TransformerFamily<Cohere2Config>("cohere2", root => new Cohere2Config(root))
{
    /// <inheritdoc/>
    public override GgufArchitecture Gguf { get; } = new Cohere2Gguf();
}
