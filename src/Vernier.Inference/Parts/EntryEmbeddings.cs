using System.Numerics.Tensors;
using Vernier.Inference.Weights;

namespace Vernier.Inference.Parts;

/// <summary>Rows of a table, multiplied by a number.</summary>
internal sealed class ScaledEmbedding(IEmbedding table, float scale) : IEmbedding
{
    /// <inheritdoc/>
    public int Count => table.Count;

    /// <inheritdoc/>
    public int Width => table.Width;

    /// <inheritdoc/>
    public void Lookup(int token, Span<float> row)
    {
        table.Lookup(token, row);
        TensorPrimitives.Multiply(row[..Width], scale, row);
    }
}

/// <summary>Rows of a table, with those of positions added: position p is row p + first of theirs.</summary>
internal sealed class PositionedEmbedding(IEmbedding table, IEmbedding positions, int first) : IEmbedding
{
    /// <inheritdoc/>
    public int Count => table.Count;

    /// <inheritdoc/>
    public int Width => table.Width;

    /// <inheritdoc/>
    public void Lookup(int token, Span<float> row) => Lookup(token, 0, row);

    /// <inheritdoc/>
    public void Lookup(int token, int position, Span<float> row)
    {
        table.Lookup(token, row);
        using var other = new Memory.PooledArray<float>(Width);
        positions.Lookup(position + first, other.Span);
        TensorPrimitives.Add(row[..Width], other.Span, row);
    }
}

/// <summary>Rows of a table, normed.</summary>
internal sealed class NormedEmbedding(IEmbedding table, INorm norm) : IEmbedding
{
    /// <inheritdoc/>
    public int Count => table.Count;

    /// <inheritdoc/>
    public int Width => table.Width;

    /// <inheritdoc/>
    public void Lookup(int token, Span<float> row) => Lookup(token, 0, row);

    /// <inheritdoc/>
    public void Lookup(int token, int position, Span<float> row)
    {
        table.Lookup(token, position, row);
        norm.Apply(row[..Width], row);
    }
}
