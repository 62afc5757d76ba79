using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Phi;

/// <summary>Phi 1, 1.5 and 2 (Li et al., 2023).</summary>
internal sealed class PhiArchitecture() : TransformerFamily<PhiConfig>("phi", root => new PhiConfig(root))
{
    /// <inheritdoc/>
    public override GgufArchitecture Gguf { get; } = new PhiGguf();
}
