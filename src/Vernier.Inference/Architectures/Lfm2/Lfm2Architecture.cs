using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Lfm2;

/// <summary>LFM2 (Liquid AI, 2025): layers of short convolutions, some of attention.</summary>
internal sealed class Lfm2Architecture() : TransformerFamily<Lfm2Config>("lfm2", root => new Lfm2Config(root),
    config => new Lfm2Assembly(config));
