using Vernier.Inference.Passes;

namespace Vernier.Inference.Parts.StateSpaces;

/// <summary>What a recurrent mixer does at the beginning of every pass.</summary>
internal static class RecurrentPass
{
    /// <summary>The last inputs and the states of all segments, to be changed in place.</summary>
    public static (float[][] Inputs, float[][] States) Begin(int layer, RecurrentShape shape, ForwardContext context)
    {
        ReadOnlySpan<LayerState> kept = context.States(layer, shape).Span;
        var inputs = new float[kept.Length][];
        var states = new float[kept.Length][];
        for (int segment = 0; segment < kept.Length; segment++)
            (inputs[segment], states[segment]) = ((RecurrentState)kept[segment]).Begin();
        return (inputs, states);
    }
}
