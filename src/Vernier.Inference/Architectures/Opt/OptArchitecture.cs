using Vernier.Files.Checkpoints;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Opt;

/// <summary>OPT (Zhang et al., 2022).</summary>
internal sealed class OptArchitecture() : TransformerFamily<OptConfig>("opt", root => new OptConfig(root))
{
    /// <inheritdoc/>
    public override IReadOnlyList<TensorView> Views(ModelConfig config, Checkpoint checkpoint) =>
        NameViews.Renamed(checkpoint, name => NameViews.Prefixed(name, "model.", "lm_head."));
}
