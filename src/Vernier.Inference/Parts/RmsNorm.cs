using System.Numerics;
using Vernier.Inference.Passes;

namespace Vernier.Inference.Parts;

/// <summary>y = w x / sqrt(mean(x^2) + epsilon), the root-mean-square norm (Zhang and Sennrich, 2019).</summary>
/// <param name="weight">w, one number for each of a row.</param>
/// <param name="epsilon">Above 0.</param>
public sealed class RmsNorm(float[] weight, float epsilon) : INorm
{
    /// <inheritdoc/>
    public void Apply(ReadOnlySpan<float> x, Span<float> y)
    {
        float scale = 1 / MathF.Sqrt(RowMath.Dot(x, x) / x.Length + epsilon);
        var scales = new Vector<float>(scale);
        ReadOnlySpan<float> weights = weight;
        int i = 0;
        for (; i <= x.Length - Vector<float>.Count; i += Vector<float>.Count)
            (new Vector<float>(x[i..]) * scales * new Vector<float>(weights[i..])).CopyTo(y[i..]);
        for (; i < x.Length; i++)
            y[i] = x[i] * scale * weights[i];
    }
}
