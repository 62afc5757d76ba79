using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.FalconH1;

/// <summary>Falcon-H1 (Zuo et al., 2025): Mamba-2 and attention side by side in every layer.</summary>
internal sealed class FalconH1Architecture() : TransformerFamily<FalconH1Config>("falcon_h1", root => new FalconH1Config(root),
    config => new FalconH1Assembly(config));
