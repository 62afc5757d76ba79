using Vernier.Inference.Decoders;
using Vernier.Inference.Parts;
using Vernier.Inference.Weights;

namespace Vernier.Inference.Architectures.FalconH1;

/// <summary>Puts a Falcon-H1 together.</summary>
internal sealed class FalconH1Assembly(FalconH1Config config) : TransformerAssembly(config)
{
    /// <inheritdoc/>
    protected override IBlockPart Mixer(IWeightSource weights, int layer) => new ParallelParts(config.HiddenSize,
        new ParallelBranch(null, config.Mamba.Make(weights, layer, config.Names.Of(layer, "mamba."), config.HiddenSize),
            config.StateScales.In, config.StateScales.Out),
        new ParallelBranch(null, base.Mixer(weights, layer), config.AttentionScales.In, config.AttentionScales.Out));

    /// <inheritdoc/>
    protected override IBlockPart FeedForward(IWeightSource weights, int layer)
    {
        int inner = config.IntermediateSize;
        return new GatedFeedForward(
            Group(weights, layer, config.Names.FeedForwardInputs, [inner, inner], config.HiddenSize, config.FeedForwardBias),
            Group(weights, layer, [config.Names.FeedForwardOutput], [config.HiddenSize], inner, config.FeedForwardBias), config.Activation)
        {
            Scales = config.FeedForwardScales,
        };
    }
}
