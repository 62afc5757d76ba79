using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Gemma;

/// <summary>The language model of Gemma 3 (Gemma Team, 2025).</summary>
internal sealed class Gemma3Architecture() : TransformerFamily<Gemma3Config>("gemma3_text", root => new Gemma3Config(root))
{
    /// <inheritdoc/>
    public override GgufArchitecture Gguf { get; } = new Gemma3Gguf();
}
