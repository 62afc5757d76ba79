using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Mamba;

/// <summary>Falcon-Mamba (Zuo et al., 2024): a Mamba that norms steps, B and C.</summary>
internal sealed class FalconMambaArchitecture() : StateSpaceFamily<MambaConfig>("falcon_mamba", root => new MambaConfig(root, normed: true),
    config => new MambaAssembly(config));
