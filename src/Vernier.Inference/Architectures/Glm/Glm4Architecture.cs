using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Glm;

/// <summary>GLM-4 0414 (Team GLM, 2025).</summary>
internal sealed class Glm4Architecture() : TransformerFamily<Glm4Config>("glm4", root => new Glm4Config(root))
{
    /// <inheritdoc/>
    public override GgufArchitecture Gguf { get; } = new Glm4Gguf();
}
