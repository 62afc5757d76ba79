using System.Numerics.Tensors;
using Vernier.Inference.Weights;
using Vernier.Numerics;

namespace Vernier.Inference.Parts;

/// <summary>Logits: cap tanh(scale (W x + b) / cap), without the cap scale (W x + b).</summary>
/// <param name="product">W x.</param>
/// <param name="bias">b, or null.</param>
/// <param name="scale">What is multiplied.</param>
/// <param name="cap">The bound; 0 for none.</param>
internal sealed class OutputLayer(ILinear product, float[]? bias, float scale, float cap) : ILinear
{
    /// <inheritdoc/>
    public int Inputs => product.Inputs;

    /// <inheritdoc/>
    public int Outputs => product.Outputs;

    /// <inheritdoc/>
    public void Apply(ReadOnlySpan<float> x, Span<float> y, int rows, Workers workers)
    {
        product.Apply(x, y, rows, workers);
        for (int row = 0; row < rows; row++)
        {
            Span<float> line = y.Slice(row * Outputs, Outputs);
            if (bias is not null)
                TensorPrimitives.Add(line, bias, line);
            if (scale != 1)
                TensorPrimitives.Multiply(line, scale, line);
            if (cap == 0)
                continue;
            TensorPrimitives.Multiply(line, 1 / cap, line);
            TensorPrimitives.Tanh(line, line);
            TensorPrimitives.Multiply(line, cap, line);
        }
    }
}
