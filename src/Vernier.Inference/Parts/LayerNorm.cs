using System.Numerics.Tensors;
using Vernier.Inference.Passes;

namespace Vernier.Inference.Parts;

/// <summary>y = w (x - mean(x)) / sqrt(var(x) + epsilon) + b, the layer norm (Ba et al., 2016).</summary>
/// <param name="weight">w, one number for each of a row; null for 1.</param>
/// <param name="bias">b, one number for each of a row; null for 0.</param>
/// <param name="epsilon">Above 0.</param>
public sealed class LayerNorm(float[]? weight, float[]? bias, float epsilon) : INorm
{
    /// <inheritdoc/>
    public void Apply(ReadOnlySpan<float> x, Span<float> y)
    {
        float mean = RowMath.Sum(x) / x.Length;
        y = y[..x.Length];
        TensorPrimitives.Subtract(x, mean, y);
        float scale = 1 / MathF.Sqrt(RowMath.Dot(y, y) / x.Length + epsilon);
        TensorPrimitives.Multiply(y, scale, y);
        if (weight is not null)
            TensorPrimitives.Multiply(y, weight, y);
        if (bias is not null)
            TensorPrimitives.Add(y, bias, y);
    }
}
