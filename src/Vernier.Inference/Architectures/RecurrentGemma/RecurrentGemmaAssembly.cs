using Vernier.Inference.Decoders;
using Vernier.Inference.Parts;
using Vernier.Inference.Parts.StateSpaces;
using Vernier.Inference.Weights;

namespace Vernier.Inference.Architectures.RecurrentGemma;

/// <summary>Puts a RecurrentGemma together.</summary>
internal sealed class RecurrentGemmaAssembly(RecurrentGemmaConfig config) : TransformerAssembly(config)
{
    /// <inheritdoc/>
    protected override IBlockPart Mixer(IWeightSource weights, int layer)
    {
        if (config.Attends(layer))
            return base.Mixer(weights, layer);
        int width = config.RecurrentWidth, blocks = config.HeadCount, size = width / blocks;
        string prefix = config.Names.Of(layer, "temporal_block."), unit = prefix + "rg_lru.";
        return new RecurrentUnit(layer,
            Group(weights, layer, ["temporal_block.linear_y", "temporal_block.linear_x"], [width, width], config.HiddenSize, true),
            Group(weights, layer, ["temporal_block.linear_out"], [config.HiddenSize], width, true),
            (weights.Values(prefix + "conv_1d.weight", width, 1, config.Kernel), weights.Vector(prefix + "conv_1d.bias", width)),
            config.Activation,
            (weights.Values(unit + "input_gate_weight", blocks, size, size), weights.Values(unit + "input_gate_bias", blocks, size)),
            (weights.Values(unit + "recurrent_gate_weight", blocks, size, size),
                weights.Values(unit + "recurrent_gate_bias", blocks, size)),
            weights.Vector(unit + "recurrent_param", width), blocks);
    }
}
