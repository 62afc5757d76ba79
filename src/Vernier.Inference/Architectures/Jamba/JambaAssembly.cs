using Vernier.Inference.Decoders;
using Vernier.Inference.Parts;
using Vernier.Inference.Weights;

namespace Vernier.Inference.Architectures.Jamba;

/// <summary>Puts a Jamba together.</summary>
internal sealed class JambaAssembly(JambaConfig config) : TransformerAssembly(config)
{
    private static readonly string[] s_norms = ["dt_layernorm", "b_layernorm", "c_layernorm"];

    /// <inheritdoc/>
    protected override IBlockPart Mixer(IWeightSource weights, int layer)
    {
        string prefix = config.Names.Of(layer, "mamba.");
        return config.Attends(layer) ? base.Mixer(weights, layer)
            : config.Mamba.Make(weights, layer, prefix, config.HiddenSize, (place, width) => Norm(weights, prefix + s_norms[place], width));
    }
}
