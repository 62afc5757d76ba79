using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Granite;

/// <summary>Granite 3 (Granite Team, 2024).</summary>
internal sealed class GraniteArchitecture() : TransformerFamily<GraniteConfig>("granite", root => new GraniteConfig(root));
