using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Qwen3Moe;

/// <summary>Qwen 3 with experts (Yang et al., 2025).</summary>
internal sealed class Qwen3MoeArchitecture() : TransformerFamily<Qwen3MoeConfig>("qwen3_moe", root => new Qwen3MoeConfig(root))
{
    /// <inheritdoc/>
    public override GgufArchitecture Gguf { get; } = new Qwen3MoeGguf();
}
