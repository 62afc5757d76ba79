using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Mamba;

/// <summary>Mamba-2 (Dao and Gu, 2024), as Transformers stores it.</summary>
internal sealed class Mamba2Architecture() : StateSpaceFamily<Mamba2Config>("mamba2", root => new Mamba2Config(root),
    config => new Mamba2Assembly(config));
