using System.Numerics.Tensors;
using Vernier.Kernels;
using Vernier.Packing;

namespace Vernier.Inference;

/// <summary>A linear layer that runs from packed weights.</summary>
/// <param name="weight">W, outputs x inputs.</param>
/// <param name="bias">b, one number for each output, or null.</param>
public sealed class PackedLinear(PackedTensor weight, float[]? bias = null) : ILinear
{
    /// <summary>The packed weights.</summary>
    public PackedTensor Weight => weight;

    /// <inheritdoc/>
    public int Inputs => weight.Columns;

    /// <inheritdoc/>
    public int Outputs => weight.Rows;

    /// <inheritdoc/>
    public void Apply(ReadOnlySpan<float> x, Span<float> y, int rows)
    {
        if (rows == 0)
            return;
        PackedProduct.Multiply(x, rows, weight, y);
        if (bias is null)
            return;
        for (int row = 0; row < rows; row++)
        {
            Span<float> target = y.Slice(row * Outputs, Outputs);
            TensorPrimitives.Add(target, bias, target);
        }
    }
}
