using Vernier.Inference.Weights;
using Vernier.Numerics;

namespace Vernier.Quantization.Networks;

/// <summary>Receives the input of a layer: rows x inputs.</summary>
internal delegate void InputSink(ReadOnlySpan<float> x, int rows);

/// <summary>
/// Stands in for a linear layer, shows what comes in, and gives zeros: what comes after it in the pass is not wanted, and costs nothing.
/// </summary>
/// <param name="inner">The layer.</param>
/// <param name="sink">Receives the input, or null.</param>
internal sealed class RecordingLinear(ILinear inner, InputSink? sink) : ILinear
{
    public int Inputs => inner.Inputs;

    public int Outputs => inner.Outputs;

    public void Apply(ReadOnlySpan<float> x, Span<float> y, int rows, Workers workers)
    {
        sink?.Invoke(x, rows);
        y[..(rows * Outputs)].Clear();
    }
}
