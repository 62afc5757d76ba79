using Vernier.Files.Checkpoints;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Falcon;

/// <summary>Falcon (Almazrouei et al., 2023): that of 7B, that of 40B and later, and that of RefinedWeb.</summary>
internal sealed class FalconArchitecture() : TransformerFamily<FalconConfig>("falcon", root => new FalconConfig(root))
{
    /// <inheritdoc/>
    public override GgufArchitecture Gguf { get; } = new FalconGguf();

    /// <inheritdoc/>
    public override IReadOnlyList<TensorView> Views(ModelConfig config, Checkpoint checkpoint) =>
        NameViews.Renamed(checkpoint, name => NameViews.Prefixed(name, "transformer.", "lm_head."));
}
