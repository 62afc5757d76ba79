using Vernier.Inference.Configuration;
using Vernier.Inference.Parts;
using Vernier.Inference.Weights;

namespace Vernier.Inference.Decoders;

/// <summary>Puts a pure state space together: blocks of one mixer behind a norm.</summary>
/// <param name="config">The configuration.</param>
/// <param name="epsilon">The epsilon of the norms.</param>
internal abstract class StateSpaceAssembly(ModelConfig config, float epsilon) : DecoderAssembly(config)
{
    /// <inheritdoc/>
    public override string EmbeddingName => "backbone.embeddings.weight";

    /// <inheritdoc/>
    public override string HeadName => Config.TiedEmbeddings ? EmbeddingName : "lm_head.weight";

    /// <inheritdoc/>
    public override INorm FinalNorm(IWeightSource weights) => Norm(weights, "backbone.norm_f.weight");

    /// <inheritdoc/>
    protected override Block MakeBlock(IWeightSource weights, int layer) => new(layer, Config.HiddenSize,
        new BlockStep(Norm(weights, $"backbone.layers.{layer}.norm.weight"), Mixer(weights, layer, $"backbone.layers.{layer}.mixer.")));

    /// <summary>Makes the mixer of a block.</summary>
    protected abstract IBlockPart Mixer(IWeightSource weights, int layer, string prefix);

    private RmsNorm Norm(IWeightSource weights, string name) => new(weights.Vector(name, Config.HiddenSize), epsilon);
}
