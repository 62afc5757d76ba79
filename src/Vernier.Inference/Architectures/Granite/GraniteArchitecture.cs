using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Granite;

/// <summary>Granite 3 (Granite Team, 2024).</summary>
internal sealed class GraniteArchitecture() : TransformerFamily<GraniteConfig>("granite", root => new GraniteConfig(root))
{
    /// <inheritdoc/>
    public override GgufArchitecture Gguf { get; } = new GraniteGguf();
}
