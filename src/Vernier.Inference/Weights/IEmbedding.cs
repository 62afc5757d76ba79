namespace Vernier.Inference.Weights;

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

    /// <summary>The row of a token at a position of its sequence: that of the token, unless positions have rows too.</summary>
    /// <param name="token">The token, 0 to <see cref="Count"/> - 1.</param>
    /// <param name="position">From 0.</param>
    /// <param name="row">Receives <see cref="Width"/> numbers.</param>
    void Lookup(int token, int position, Span<float> row) => Lookup(token, row);
}
