using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Mamba;

/// <summary>Mamba (Gu and Dao, 2023), as Transformers stores it.</summary>
internal sealed class MambaArchitecture() : StateSpaceFamily<MambaConfig>("mamba", root => new MambaConfig(root, normed: false),
    config => new MambaAssembly(config));
