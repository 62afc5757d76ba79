using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Olmo;

/// <summary>OLMoE (Muennighoff et al., 2024).</summary>
internal sealed class OlmoeArchitecture() : TransformerFamily<OlmoeConfig>("olmoe", root => new OlmoeConfig(root))
{
    /// <inheritdoc/>
    public override GgufArchitecture Gguf { get; } = new OlmoeGguf();
}
