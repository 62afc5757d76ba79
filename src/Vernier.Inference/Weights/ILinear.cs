namespace Vernier.Inference;

/// <summary>A linear layer y = W x + b, with W of <see cref="Outputs"/> x <see cref="Inputs"/>, whatever its weights are stored as.</summary>
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
    void Apply(ReadOnlySpan<float> x, Span<float> y, int rows);
}

/// <summary>A table with one row of <see cref="Width"/> numbers for each of <see cref="Count"/> tokens.</summary>
public interface IEmbedding
{
    /// <summary>The number of rows.</summary>
    int Count { get; }

    /// <summary>The length of a row.</summary>
    int Width { get; }

    /// <summary>Copies the row of a token.</summary>
    /// <param name="token">The token, 0 to <see cref="Count"/> - 1.</param>
    /// <param name="row">Receives <see cref="Width"/> numbers.</param>
    void Lookup(int token, Span<float> row);
}
