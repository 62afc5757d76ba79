using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Glm;

/// <summary>GLM-4.5 (GLM-4.5 Team, 2025).</summary>
internal sealed class Glm4MoeArchitecture() : TransformerFamily<Glm4MoeConfig>("glm4_moe", root => new Glm4MoeConfig(root),
    config => new NextTokenAssembly(config));
