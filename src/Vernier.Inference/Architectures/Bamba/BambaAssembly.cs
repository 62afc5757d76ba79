using Vernier.Inference.Decoders;
using Vernier.Inference.Parts;
using Vernier.Inference.Weights;

namespace Vernier.Inference.Architectures.Bamba;

/// <summary>Puts a Bamba together.</summary>
internal sealed class BambaAssembly(BambaConfig config) : TransformerAssembly(config)
{
    /// <inheritdoc/>
    protected override IBlockPart Mixer(IWeightSource weights, int layer) => config.Attends(layer) ? base.Mixer(weights, layer)
        : config.Mamba.Make(weights, layer, config.Names.Of(layer, "mamba."), config.HiddenSize);
}
