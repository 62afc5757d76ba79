using Vernier.Inference.Decoders;
using Vernier.Inference.Parts;
using Vernier.Inference.Weights;

namespace Vernier.Tests.Parallel;

/// <summary>Puts the blocks together from the parts of other transformers.</summary>
public sealed class ParallelAssembly(ParallelConfig config) : TransformerAssembly(config)
{
    protected override Block MakeBlock(IWeightSource weights, int layer)
    {
        string norm = config.Names.Of(layer, config.Names.AttentionNorm) + ".weight";
        var part = new ParallelPart(Mixer(weights, layer), FeedForward(weights, layer));
        return new Block(layer, Config.HiddenSize,
            new BlockStep(new RmsNorm(weights.Vector(norm, Config.HiddenSize), config.NormEpsilon), part));
    }
}
