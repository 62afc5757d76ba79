using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.BitNet;

/// <summary>BitNet b1.58 (Ma et al., 2024).</summary>
internal sealed class BitNetArchitecture() : TransformerFamily<BitNetConfig>("bitnet", root => new BitNetConfig(root));
