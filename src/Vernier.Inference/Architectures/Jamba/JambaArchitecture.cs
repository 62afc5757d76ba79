using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Jamba;

/// <summary>Jamba (Lieber et al., 2024): layers of Mamba, some of attention, experts in some.</summary>
internal sealed class JambaArchitecture() : TransformerFamily<JambaConfig>("jamba", root => new JambaConfig(root),
    config => new JambaAssembly(config));
