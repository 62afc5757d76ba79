using System.Numerics.Tensors;
using Vernier.Inference.Passes;

namespace Vernier.Inference.Parts.StateSpaces;

/// <summary>A root-mean-square norm with a gate: w rms(x silu(z)), or w rms(x) silu(z), each group of a row by itself.</summary>
/// <param name="weight">w; null for no norm at all: x silu(z).</param>
/// <param name="epsilon">Above 0.</param>
/// <param name="groups">The groups of a row; where w is of one group's size it serves all.</param>
/// <param name="normsFirst">Whether the norm comes before the gate.</param>
internal sealed class GatedNorm(float[]? weight, float epsilon, int groups = 1, bool normsFirst = false)
{
    /// <summary>Norms a row in place.</summary>
    /// <param name="x">The row.</param>
    /// <param name="z">The gates, as many.</param>
    public void Apply(Span<float> x, ReadOnlySpan<float> z)
    {
        if (!normsFirst || weight is null)
            Gate(x, z);
        if (weight is null)
            return;
        int size = x.Length / groups;
        for (int group = 0; group < groups; group++)
        {
            Span<float> part = x.Slice(group * size, size);
            float scale = 1 / MathF.Sqrt(RowMath.Dot(part, part) / size + epsilon);
            TensorPrimitives.Multiply(part, scale, part);
            TensorPrimitives.Multiply(part, weight.Length == size ? weight : weight.AsSpan(group * size, size), part);
        }
        if (normsFirst)
            Gate(x, z);
    }

    private static void Gate(Span<float> x, ReadOnlySpan<float> z)
    {
        for (int i = 0; i < x.Length; i++)
            x[i] *= z[i] / (1 + MathF.Exp(-z[i]));
    }
}
