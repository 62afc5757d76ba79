namespace Vernier.Quantization.Weights;

/// <summary>Where the rows and columns of a tensor come from: row i of the new tensor is row Rows[i] of the old one. A vector has rows of
/// one element.</summary>
/// <param name="Rows">A permutation of the rows; null where they stay.</param>
/// <param name="Columns">A permutation of the columns; null where they stay.</param>
public sealed record TensorOrder(IReadOnlyList<int>? Rows, IReadOnlyList<int>? Columns)
{
    /// <summary>The old row of a new one.</summary>
    public int Row(int row) => Rows is null ? row : Rows[row];

    /// <summary>Puts the elements of an old row into the new order.</summary>
    /// <param name="source">The old row.</param>
    /// <param name="firstColumn">The first of the new columns that are wanted.</param>
    /// <param name="destination">Receives as many as it is long.</param>
    public void Gather<T>(ReadOnlySpan<T> source, int firstColumn, Span<T> destination)
    {
        if (Columns is null)
        {
            source.Slice(firstColumn, destination.Length).CopyTo(destination);
            return;
        }
        for (int i = 0; i < destination.Length; i++)
            destination[i] = source[Columns[firstColumn + i]];
    }

    /// <summary>Puts the elements of a new row back into the old order.</summary>
    /// <param name="source">The new row.</param>
    /// <param name="destination">Receives the old row.</param>
    public void Scatter<T>(ReadOnlySpan<T> source, Span<T> destination)
    {
        for (int i = 0; i < source.Length; i++)
            destination[Columns is null ? i : Columns[i]] = source[i];
    }

    /// <summary>A whole matrix in the new order.</summary>
    /// <param name="values">Rows x columns.</param>
    /// <param name="columns">The number of columns; 1 for a vector.</param>
    public T[] Apply<T>(ReadOnlySpan<T> values, int columns)
    {
        var result = new T[values.Length];
        for (int row = 0; row < values.Length / columns; row++)
            Gather(values.Slice(Row(row) * columns, columns), 0, result.AsSpan(row * columns, columns));
        return result;
    }
}
