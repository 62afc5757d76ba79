using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Mixtral;

/// <summary>Mixtral (Jiang et al., 2024).</summary>
internal sealed class MixtralArchitecture() : TransformerFamily<MixtralConfig>("mixtral", root => new MixtralConfig(root))
{
    /// <inheritdoc/>
    public override GgufArchitecture Gguf { get; } = new MixtralGguf();
}
