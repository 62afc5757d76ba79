using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.StableLm;

/// <summary>StableLM (Bellagente et al., 2024).</summary>
internal sealed class StableLmArchitecture() : TransformerFamily<StableLmConfig>("stablelm", root => new StableLmConfig(root),
    config => new StableLmAssembly(config))
{
    /// <inheritdoc/>
    public override GgufArchitecture Gguf { get; } = new StableLmGguf();
}
