using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Olmo;

/// <summary>OLMo 2 (OLMo Team, 2024).</summary>
internal sealed class Olmo2Architecture() : TransformerFamily<Olmo2Config>("olmo2", root => new Olmo2Config(root))
{
    /// <inheritdoc/>
    public override GgufArchitecture Gguf { get; } = new Olmo2Gguf();
}
