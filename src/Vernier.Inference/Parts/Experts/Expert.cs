using System.Numerics.Tensors;
using Vernier.Inference.Configuration;

namespace Vernier.Inference.Parts.Experts;

/// <summary>One expert: a feed-forward of its own, gated where it has a gate.</summary>
public sealed class Expert
{
    /// <summary>Puts an expert together.</summary>
    /// <param name="inputs">Gate and up; both in one layer, gate's outputs first; or up alone.</param>
    /// <param name="output">Down.</param>
    /// <param name="activation">The nonlinearity.</param>
    /// <exception cref="ArgumentException">The layers do not fit together.</exception>
    public Expert(LinearGroup inputs, LinearGroup output, Activation activation)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(output);
        (Inputs, Output, Activation, Size) = (inputs, output, activation, output.Inputs);
        int all = inputs.Slots.Sum(slot => slot.Outputs);
        IsGated = all == 2 * Size;
        if (inputs.Slots.Count > 2 || all != Size && !IsGated || output.Slots is not [{ } down] || down.Outputs != inputs.Inputs)
            throw new ArgumentException("the layers of an expert do not fit together", nameof(output));
    }

    /// <summary>Gate and up, or up alone.</summary>
    public LinearGroup Inputs { get; }

    /// <summary>Down.</summary>
    public LinearGroup Output { get; }

    /// <summary>The nonlinearity.</summary>
    public Activation Activation { get; }

    /// <summary>The width between the layers.</summary>
    public int Size { get; }

    /// <summary>Whether there is a gate.</summary>
    public bool IsGated { get; }

    /// <summary>Whether the outputs of one layer for both are gate, up, gate, up .. Default gate's first.</summary>
    public bool IsInterleaved { get; init; }

    /// <summary>The bound of gpt-oss: gate at most it, up between it and its negative, (up + 1) gate sigmoid(1.702 gate); 0, the default,
    /// for none.</summary>
    public float Limit { get; init; }

    /// <summary>inner = act(gate) * up, or act(up).</summary>
    internal void Activate(Span<float> gate, Span<float> up, Span<float> inner)
    {
        if (Limit > 0)
        {
            TensorPrimitives.Min(gate, Limit, gate);
            TensorPrimitives.Clamp(up, -Limit, Limit, up);
            TensorPrimitives.Multiply(gate, 1.702f, inner);
            TensorPrimitives.Sigmoid<float>(inner, inner);
            TensorPrimitives.Multiply(inner, gate, inner);
            TensorPrimitives.MultiplyAdd(up, inner, inner, inner);
            return;
        }
        ActivationFunctions.Apply(Activation, IsGated ? gate : up, inner);
        if (IsGated)
            TensorPrimitives.Multiply(inner, up, inner);
    }
}
