using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.StarCoder2;

/// <summary>StarCoder2 (Lozhkov et al., 2024).</summary>
internal sealed class StarCoder2Architecture() : TransformerFamily<StarCoder2Config>("starcoder2", root => new StarCoder2Config(root));
