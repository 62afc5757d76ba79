using Vernier.Inference.Decoders;
using Vernier.Inference.Parts;
using Vernier.Inference.Parts.StateSpaces;
using Vernier.Inference.Weights;

namespace Vernier.Inference.Architectures.Lfm2;

/// <summary>Puts an LFM2 together.</summary>
internal sealed class Lfm2Assembly(Lfm2Config config) : TransformerAssembly(config)
{
    /// <inheritdoc/>
    protected override IBlockPart Mixer(IWeightSource weights, int layer)
    {
        if (config.Attends(layer))
            return base.Mixer(weights, layer);
        int width = config.HiddenSize;
        string convolution = config.Names.Of(layer, "conv.conv");
        return new ShortConvolution(layer, Slot("conv.in_proj", 3 * width), Slot("conv.out_proj", width),
            weights.Values(convolution + ".weight", width, 1, config.Kernel),
            config.ConvolutionBias ? weights.Vector(convolution + ".bias", width) : null);

        LinearSlot Slot(string part, int outputs)
        {
            string name = config.Names.Of(layer, part);
            return new(name + ".weight", weights.Linear(name + ".weight", config.ConvolutionBias ? name + ".bias" : null, outputs, width));
        }
    }
}
