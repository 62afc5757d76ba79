using Vernier.Inference.Decoders;
using Vernier.Inference.Parts;
using Vernier.Inference.Weights;

namespace Vernier.Inference.Architectures.Mamba;

/// <summary>Puts a Mamba-2 together.</summary>
internal sealed class Mamba2Assembly(Mamba2Config config) : StateSpaceAssembly(config, config.NormEpsilon)
{
    /// <inheritdoc/>
    protected override IBlockPart Mixer(IWeightSource weights, int layer, string prefix) =>
        config.Style.Make(weights, layer, prefix, config.HiddenSize);
}
