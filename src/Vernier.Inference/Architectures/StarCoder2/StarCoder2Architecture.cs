using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.StarCoder2;

/// <summary>StarCoder2 (Lozhkov et al., 2024).</summary>
internal sealed class StarCoder2Architecture() : TransformerFamily<StarCoder2Config>("starcoder2", root => new StarCoder2Config(root))
{
    /// <inheritdoc/>
    public override GgufArchitecture Gguf { get; } = new StarCoder2Gguf();
}
