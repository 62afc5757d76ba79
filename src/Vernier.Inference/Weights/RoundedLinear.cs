using System.Numerics.Tensors;
using Vernier.Memory;
using Vernier.Numerics;

namespace Vernier.Inference.Weights;

/// <summary>
/// A layer that rounds each row of its input to 8 bits: with s = 127 (1 / max(|x|, 1e-5)), each number becomes round(x s) / s, halves to
/// even.
/// The layers of BitNet do.
/// </summary>
/// <param name="layer">The layer behind the rounding.</param>
internal sealed class RoundedLinear(ILinear layer) : ILinear
{
    private const float Levels = 127, Least = 1e-5f;

    /// <inheritdoc/>
    public int Inputs => layer.Inputs;

    /// <inheritdoc/>
    public int Outputs => layer.Outputs;

    /// <inheritdoc/>
    public void Apply(ReadOnlySpan<float> x, Span<float> y, int rows, Workers workers)
    {
        using var rounded = new PooledArray<float>(rows * Inputs);
        for (int row = 0; row < rows; row++)
            Round(x.Slice(row * Inputs, Inputs), rounded.Span.Slice(row * Inputs, Inputs));
        layer.Apply(rounded.Span, y, rows, workers);
    }

    private static void Round(ReadOnlySpan<float> x, Span<float> rounded)
    {
        // As torch divides a number by a tensor: in two steps.
        float scale = 1 / Math.Max(Math.Abs(TensorPrimitives.MaxMagnitude(x)), Least) * Levels;
        for (int i = 0; i < x.Length; i++)
            rounded[i] = MathF.Round(x[i] * scale) / scale;
    }
}
