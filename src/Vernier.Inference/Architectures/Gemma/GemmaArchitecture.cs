using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Gemma;

/// <summary>Gemma (Gemma Team, 2024).</summary>
internal sealed class GemmaArchitecture() : TransformerFamily<GemmaConfig>("gemma", root => new GemmaConfig(root))
{
    /// <inheritdoc/>
    public override GgufArchitecture Gguf { get; } = new GemmaGguf();
}
