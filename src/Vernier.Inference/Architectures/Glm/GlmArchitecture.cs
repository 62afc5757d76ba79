using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Glm;

/// <summary>GLM-4 9B of 2024 (Team GLM).</summary>
internal sealed class GlmArchitecture() : TransformerFamily<GlmConfig>("glm", root => new GlmConfig(root))
{
    /// <inheritdoc/>
    public override GgufArchitecture Gguf { get; } = new GlmGguf();
}
