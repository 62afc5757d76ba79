using Vernier.Inference.Weights;
using Vernier.Numerics;

namespace Vernier.Quantization.Calibration;

/// <summary>Receives the input of a layer: rows x inputs.</summary>
internal delegate void InputSink(ReadOnlySpan<float> x, int rows);

/// <summary>Stands in for a linear layer and shows what comes in.</summary>
/// <param name="inner">The layer.</param>
/// <param name="sink">Receives the input, or null.</param>
/// <param name="silent">
/// Whether the layer is not applied and gives zeros: what comes after it in the pass is not wanted, and costs nothing.
/// </param>
internal sealed class RecordingLinear(ILinear inner, InputSink? sink, bool silent) : ILinear
{
    public int Inputs => inner.Inputs;

    public int Outputs => inner.Outputs;

    public void Apply(ReadOnlySpan<float> x, Span<float> y, int rows, Workers workers)
    {
        sink?.Invoke(x, rows);
        if (silent)
            y[..(rows * Outputs)].Clear();
        else
            inner.Apply(x, y, rows, workers);
    }
}
