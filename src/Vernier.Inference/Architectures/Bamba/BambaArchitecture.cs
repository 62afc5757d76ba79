using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Bamba;

/// <summary>Bamba (IBM, 2024): layers of Mamba-2, some of attention.</summary>
internal sealed class BambaArchitecture() : TransformerFamily<BambaConfig>("bamba", root => new BambaConfig(root),
    config => new BambaAssembly(config));
