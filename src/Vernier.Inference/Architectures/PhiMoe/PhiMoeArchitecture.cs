using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.PhiMoe;

/// <summary>Phi-3.5-MoE (Abdin et al., 2024).</summary>
internal sealed class PhiMoeArchitecture() : TransformerFamily<PhiMoeConfig>("phimoe", root => new PhiMoeConfig(root));
