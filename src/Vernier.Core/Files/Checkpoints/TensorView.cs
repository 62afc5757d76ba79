namespace Vernier.Files.Checkpoints;

/// <summary>
/// A tensor that is part of another, or all of it under another name or turned over: element (r, c) of the view is element
/// offset + r * <see cref="RowStride"/> + c * <see cref="ColumnStride"/> of its source. So the experts of a layer that are stored in one
/// tensor become a matrix each, and a weight that is stored inputs x outputs becomes outputs x inputs.
/// </summary>
public sealed class TensorView
{
    private TensorView(string name, string source, IReadOnlyList<long> shape, long offset, long rowStride, long columnStride)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        (Name, Source, Shape, Offset, RowStride, ColumnStride) = (name, source, shape, offset, rowStride, columnStride);
    }

    /// <summary>The name of the view.</summary>
    public string Name { get; }

    /// <summary>The name of the tensor that it shows.</summary>
    public string Source { get; }

    /// <summary>The shape of the view.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>The index of its first element in the source.</summary>
    public long Offset { get; }

    /// <summary>From a row to the next, in elements of the source.</summary>
    public long RowStride { get; }

    /// <summary>From a column to the next, in elements of the source.</summary>
    public long ColumnStride { get; }

    /// <summary>Whether its elements lie in the source as they follow each other.</summary>
    public bool IsContiguous => Shape.Count != 2 || (ColumnStride == 1 && RowStride == Shape[1]);

    /// <summary>The elements.</summary>
    public long Count => Shape.Aggregate(1L, (count, side) => checked(count * side));

    /// <summary>The whole source, or consecutive elements of it, under another name.</summary>
    /// <param name="name">The name of the view.</param>
    /// <param name="source">The name of the source.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="offset">The index of the first element.</param>
    public static TensorView Slice(string name, string source, IReadOnlyList<long> shape, long offset = 0)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return new(name, source, shape, offset, shape.Count == 2 ? shape[1] : 1, 1);
    }

    /// <summary>A matrix with strides of its own.</summary>
    /// <param name="name">The name of the view.</param>
    /// <param name="source">The name of the source.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="columns">The columns.</param>
    /// <param name="offset">The index of the first element.</param>
    /// <param name="rowStride">From a row to the next, at least 1.</param>
    /// <param name="columnStride">From a column to the next, at least 1.</param>
    public static TensorView Strided(string name, string source, long rows, long columns, long offset, long rowStride, long columnStride)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rowStride, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(columnStride, 1);
        return new(name, source, [rows, columns], offset, rowStride, columnStride);
    }

    /// <summary>A matrix of inputs x outputs as outputs x inputs.</summary>
    /// <param name="name">The name of the view.</param>
    /// <param name="source">The name of the source.</param>
    /// <param name="outputs">The columns of the source.</param>
    /// <param name="inputs">The rows of the source.</param>
    /// <param name="offset">The index of the first element.</param>
    public static TensorView Transposed(string name, string source, long outputs, long inputs, long offset = 0) =>
        new(name, source, [outputs, inputs], offset, 1, outputs);

    /// <summary>Where an element of the view is in the source.</summary>
    internal long At(long index) => IsContiguous ? Offset + index
        : Offset + index / Shape[1] * RowStride + index % Shape[1] * ColumnStride;
}
