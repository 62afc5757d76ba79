using Vernier.Files.Checkpoints;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Granite;

/// <summary>Granite 4 (IBM, 2025): layers of Mamba-2, some of attention, experts beside a shared feed-forward.</summary>
internal sealed class GraniteHybridArchitecture() : TransformerFamily<GraniteHybridConfig>("granitemoehybrid",
    root => new GraniteHybridConfig(root), config => new GraniteHybridAssembly(config))
{
    /// <inheritdoc/>
    public override IReadOnlyList<TensorView> Views(ModelConfig config, Checkpoint checkpoint) =>
        GraniteMoeArchitecture.ExpertViews(checkpoint);
}
