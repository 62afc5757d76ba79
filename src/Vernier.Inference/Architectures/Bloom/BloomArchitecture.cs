using Vernier.Files.Checkpoints;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Bloom;

/// <summary>BLOOM (BigScience, 2022).</summary>
internal sealed class BloomArchitecture() : TransformerFamily<BloomConfig>("bloom", root => new BloomConfig(root))
{
    /// <inheritdoc/>
    public override GgufArchitecture Gguf { get; } = new BloomGguf();

    /// <inheritdoc/>
    public override IReadOnlyList<TensorView> Views(ModelConfig config, Checkpoint checkpoint) =>
        NameViews.Renamed(checkpoint, name => NameViews.Prefixed(name, "transformer.", "lm_head."));
}
