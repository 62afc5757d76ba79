using Vernier.Inference.Decoders;
using Vernier.Inference.Parts;
using Vernier.Inference.Weights;

namespace Vernier.Inference.Architectures.NemotronH;

/// <summary>Puts a Nemotron-H together.</summary>
internal sealed class NemotronHAssembly(NemotronHConfig config) : NextTokenAssembly(config)
{
    /// <inheritdoc/>
    protected override Block MakeBlock(IWeightSource weights, int layer)
    {
        INorm norm = Norm(weights, config.Names.Of(layer, config.Names.AttentionNorm), config.HiddenSize);
        return new Block(layer, config.HiddenSize, new BlockStep(norm, config.Kinds[layer] switch
        {
            NemotronHKind.Mamba => config.Mamba.Make(weights, layer, config.Names.Of(layer, "mixer."), config.HiddenSize),
            NemotronHKind.Attention => Mixer(weights, layer),
            _ => FeedForward(weights, layer),
        }));
    }
}
