using Vernier.Inference.Decoders;
using Vernier.Inference.Parts;
using Vernier.Inference.Weights;

namespace Vernier.Inference.Architectures.Granite;

/// <summary>Puts a Granite 4 together.</summary>
internal sealed class GraniteHybridAssembly(GraniteHybridConfig config) : TransformerAssembly(config)
{
    /// <inheritdoc/>
    protected override IBlockPart Mixer(IWeightSource weights, int layer) => config.Attends(layer) ? base.Mixer(weights, layer)
        : config.Mamba.Make(weights, layer, config.Names.Of(layer, "mamba."), config.HiddenSize);
}
