using System.Numerics.Tensors;
using Vernier.Numerics;

namespace Vernier.Inference.Weights;

/// <summary>A linear layer with weights in single precision.</summary>
public sealed class FloatLinear : ILinear
{
    private readonly float[] _weight;
    private readonly float[]? _bias;

    /// <summary>Wraps weights without copying them.</summary>
    /// <param name="weight">W, outputs x inputs, row-major.</param>
    /// <param name="outputs">The number of outputs, at least 1.</param>
    /// <param name="inputs">The number of inputs, at least 1.</param>
    /// <param name="bias">b, one number for each output, or null.</param>
    /// <exception cref="ArgumentException">An array has another length than its shape.</exception>
    public FloatLinear(float[] weight, int outputs, int inputs, float[]? bias = null)
    {
        ArgumentNullException.ThrowIfNull(weight);
        ArgumentOutOfRangeException.ThrowIfLessThan(outputs, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(inputs, 1);
        if (weight.Length != (long)outputs * inputs)
            throw new ArgumentException($"{weight.Length} weights are not {outputs} x {inputs}", nameof(weight));
        if (bias is not null && bias.Length != outputs)
            throw new ArgumentException($"{bias.Length} biases for {outputs} outputs", nameof(bias));
        (_weight, _bias, Outputs, Inputs) = (weight, bias, outputs, inputs);
    }

    /// <inheritdoc/>
    public int Inputs { get; }

    /// <inheritdoc/>
    public int Outputs { get; }

    /// <summary>W, outputs x inputs, row-major.</summary>
    public ReadOnlySpan<float> Weight => _weight;

    /// <summary>b, or empty.</summary>
    public ReadOnlySpan<float> Bias => _bias;

    /// <inheritdoc/>
    public void Apply(ReadOnlySpan<float> x, Span<float> y, int rows, Workers workers)
    {
        MatrixProduct.MultiplyTransposed(x, _weight, y, rows, Outputs, Inputs, workers);
        if (_bias is null)
            return;
        for (int row = 0; row < rows; row++)
        {
            Span<float> line = y.Slice(row * Outputs, Outputs);
            TensorPrimitives.Add(line, _bias, line);
        }
    }
}
