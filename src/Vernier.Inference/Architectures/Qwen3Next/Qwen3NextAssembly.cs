using Vernier.Inference.Decoders;
using Vernier.Inference.Parts;
using Vernier.Inference.Parts.StateSpaces;
using Vernier.Inference.Weights;

namespace Vernier.Inference.Architectures.Qwen3Next;

/// <summary>Puts a Qwen3-Next together.</summary>
internal sealed class Qwen3NextAssembly(Qwen3NextConfig config) : NextTokenAssembly(config)
{
    /// <inheritdoc/>
    protected override IBlockPart Mixer(IWeightSource weights, int layer)
    {
        if (config.Attends(layer))
            return base.Mixer(weights, layer);
        DeltaShape sizes = config.Sizes;
        string prefix = config.Names.Of(layer, "linear_attn.");
        LinearGroup inputs = config.IsJoined
            ? Group(weights, layer, ["linear_attn.in_proj_qkvz", "linear_attn.in_proj_ba"],
                [sizes.Convolved + sizes.Values, 2 * sizes.ValueHeads], config.HiddenSize, false)
            : Group(weights, layer,
                ["linear_attn.in_proj_qkv", "linear_attn.in_proj_z", "linear_attn.in_proj_b", "linear_attn.in_proj_a"],
                [sizes.Convolved, sizes.Values, sizes.ValueHeads, sizes.ValueHeads], config.HiddenSize, false);
        return new GatedDeltaNet(layer, sizes, inputs,
            Group(weights, layer, ["linear_attn.out_proj"], [config.HiddenSize], sizes.Values, false),
            weights.Values(prefix + "conv1d.weight", sizes.Convolved, 1, config.Kernel),
            weights.Vector(prefix + "A_log", sizes.ValueHeads), weights.Vector(prefix + "dt_bias", sizes.ValueHeads),
            (weights.Vector(prefix + "norm.weight", sizes.ValueSize), config.NormEpsilon));
    }
}
