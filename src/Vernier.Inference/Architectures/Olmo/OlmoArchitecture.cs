using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Olmo;

/// <summary>OLMo (Groeneveld et al., 2024).</summary>
internal sealed class OlmoArchitecture() : TransformerFamily<OlmoConfig>("olmo", root => new OlmoConfig(root))
{
    /// <inheritdoc/>
    public override GgufArchitecture Gguf { get; } = new OlmoGguf();
}
