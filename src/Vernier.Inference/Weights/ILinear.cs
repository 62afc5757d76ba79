using Vernier.Numerics;

namespace Vernier.Inference.Weights;

/// <summary>
/// A linear layer y = W x + b, with W of <see cref="Outputs"/> x <see cref="Inputs"/>, whatever its weights are stored as. Safe for
/// concurrent use.
/// </summary>
public interface ILinear
{
    /// <summary>The number of inputs.</summary>
    int Inputs { get; }

    /// <summary>The number of outputs.</summary>
    int Outputs { get; }

    /// <summary>Y = X W^T + b, row by row.</summary>
    /// <param name="x">The rows, <paramref name="rows"/> x <see cref="Inputs"/>, row-major.</param>
    /// <param name="y">Receives <paramref name="rows"/> x <see cref="Outputs"/>, row-major; does not overlap x.</param>
    /// <param name="rows">The number of rows, at least 0.</param>
    /// <param name="workers">The threads that work.</param>
    void Apply(ReadOnlySpan<float> x, Span<float> y, int rows, Workers workers);
}
