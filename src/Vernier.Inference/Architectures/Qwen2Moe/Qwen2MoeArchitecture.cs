using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Qwen2Moe;

/// <summary>Qwen 1.5 and 2 with experts (Yang et al., 2024).</summary>
internal sealed class Qwen2MoeArchitecture() : TransformerFamily<Qwen2MoeConfig>("qwen2_moe", root => new Qwen2MoeConfig(root))
{
    /// <inheritdoc/>
    public override GgufArchitecture Gguf { get; } = new Qwen2MoeGguf();
}
