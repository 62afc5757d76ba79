using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Gemma;

/// <summary>Gemma 2 (Gemma Team, 2024).</summary>
internal sealed class Gemma2Architecture() : TransformerFamily<Gemma2Config>("gemma2", root => new Gemma2Config(root))
{
    /// <inheritdoc/>
    public override GgufArchitecture Gguf { get; } = new Gemma2Gguf();
}
