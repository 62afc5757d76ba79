using Vernier.Inference.Parts;
using Vernier.Inference.Parts.StateSpaces;
using Vernier.Inference.Weights;

namespace Vernier.Inference.Decoders;

/// <summary>What a config.json says about its Mamba layers, whatever it names its members.</summary>
/// <param name="Inner">The channels.</param>
/// <param name="State">The state of a channel.</param>
/// <param name="Rank">The width of the step before its projection.</param>
/// <param name="Kernel">The length of the convolution.</param>
/// <param name="Bias">Whether the projections in and out have biases.</param>
/// <param name="ConvolutionBias">Whether the convolution has.</param>
internal sealed record MambaStyle(int Inner, int State, int Rank, int Kernel, bool Bias, bool ConvolutionBias)
{
    /// <summary>Makes the mixer of a layer.</summary>
    /// <param name="weights">Where its weights come from.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="prefix">What stands before the names of its tensors.</param>
    /// <param name="hidden">The hidden size.</param>
    /// <param name="normOf">Makes the norm of the step, of B and of C, by its place and width; null for none.</param>
    public MambaMixer Make(IWeightSource weights, int layer, string prefix, int hidden, Func<int, int, INorm>? normOf = null)
    {
        LinearSlot[] layers = [Slot("in_proj", 2 * Inner, hidden, Bias), Slot("x_proj", Rank + 2 * State, Inner, false),
            Slot("dt_proj", Inner, Rank, true), Slot("out_proj", hidden, Inner, Bias)];
        return new MambaMixer(layer, layers,
            (weights.Values(prefix + "conv1d.weight", Inner, 1, Kernel),
                ConvolutionBias ? weights.Vector(prefix + "conv1d.bias", Inner) : null),
            weights.Values(prefix + "A_log", Inner, State), weights.Vector(prefix + "D", Inner))
        {
            Norms = normOf is null ? null : (normOf(0, Rank), normOf(1, State), normOf(2, State)),
        };

        LinearSlot Slot(string part, int outputs, int inputs, bool bias) => new(prefix + part + ".weight",
            weights.Linear(prefix + part + ".weight", bias ? prefix + part + ".bias" : null, outputs, inputs));
    }
}
