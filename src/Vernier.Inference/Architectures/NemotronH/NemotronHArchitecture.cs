using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.NemotronH;

/// <summary>Nemotron-H and Nemotron 3 (NVIDIA, 2025): blocks of one part each, a Mamba-2, an attention, a feed-forward or
/// experts.</summary>
internal sealed class NemotronHArchitecture() : TransformerFamily<NemotronHConfig>("nemotron_h", root => new NemotronHConfig(root),
    config => new NemotronHAssembly(config));
