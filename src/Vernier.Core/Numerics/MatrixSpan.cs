using System.Diagnostics;
using Vernier.Memory;

namespace Vernier.Numerics;

/// <summary>A row-major matrix over a span: element (i, j) is Data[i * Stride + j].</summary>
/// <typeparam name="T">The element type.</typeparam>
public readonly ref struct MatrixSpan<T>
    where T : unmanaged
{
    /// <summary>Views <paramref name="rows"/> x <paramref name="columns"/> elements without gaps.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size is negative or the span too short.</exception>
    public MatrixSpan(Span<T> data, int rows, int columns)
        : this(data, rows, columns, columns)
    {
    }

    /// <summary>Views rows that begin <paramref name="stride"/> elements apart.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size is negative, the stride less than a row, or the span too short.</exception>
    public MatrixSpan(Span<T> data, int rows, int columns, int stride)
    {
        MatrixShape.Check(data.Length, rows, columns, stride);
        Data = data;
        (Rows, Columns, Stride) = (rows, columns, stride);
    }

    /// <summary>The elements, with whatever lies between the rows.</summary>
    public Span<T> Data { get; }

    /// <summary>The number of rows.</summary>
    public int Rows { get; }

    /// <summary>The number of columns.</summary>
    public int Columns { get; }

    /// <summary>The distance in elements from a row to the next.</summary>
    public int Stride { get; }

    /// <summary>Element (<paramref name="row"/>, <paramref name="column"/>).</summary>
    public ref T this[int row, int column] => ref Row(row)[column];

    /// <summary>The same matrix, to be read.</summary>
    public static implicit operator ReadOnlyMatrixSpan<T>(MatrixSpan<T> matrix) =>
        new(matrix.Data, matrix.Rows, matrix.Columns, matrix.Stride);

    /// <summary>Row <paramref name="index"/>.</summary>
    public Span<T> Row(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Rows);
        return Columns == 0 ? [] : Data.Slice(checked(index * Stride), Columns);
    }

    /// <summary>The block of <paramref name="rows"/> x <paramref name="columns"/> elements from (row, column) on.</summary>
    public MatrixSpan<T> Slice(int row, int column, int rows, int columns)
    {
        MatrixShape.CheckSlice(Rows, Columns, row, column, rows, columns);
        return new(rows == 0 || columns == 0 ? [] : Data[((row * Stride) + column)..], rows, columns, Stride);
    }
}

/// <summary>A matrix over a span, to be read, as it lies or transposed.</summary>
/// <typeparam name="T">The element type.</typeparam>
public readonly ref struct ReadOnlyMatrixSpan<T>
    where T : unmanaged
{
    /// <summary>Views <paramref name="rows"/> x <paramref name="columns"/> elements without gaps.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size is negative or the span too short.</exception>
    public ReadOnlyMatrixSpan(ReadOnlySpan<T> data, int rows, int columns)
        : this(data, rows, columns, columns)
    {
    }

    /// <summary>Views rows that begin <paramref name="stride"/> elements apart.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size is negative, the stride less than a row, or the span too short.</exception>
    public ReadOnlyMatrixSpan(ReadOnlySpan<T> data, int rows, int columns, int stride)
    {
        MatrixShape.Check(data.Length, rows, columns, stride);
        Data = data;
        (Rows, Columns, Stride) = (rows, columns, stride);
    }

    private ReadOnlyMatrixSpan(ReadOnlySpan<T> data, int rows, int columns, int stride, bool transposed)
    {
        Data = data;
        (Rows, Columns, Stride, IsTransposed) = (rows, columns, stride, transposed);
    }

    /// <summary>The elements, with whatever lies between the stored rows.</summary>
    public ReadOnlySpan<T> Data { get; }

    /// <summary>The number of rows of the matrix as seen, after any transposition.</summary>
    public int Rows { get; }

    /// <summary>The number of columns of the matrix as seen, after any transposition.</summary>
    public int Columns { get; }

    /// <summary>The distance in elements from a stored row to the next.</summary>
    public int Stride { get; }

    /// <summary>Whether element (i, j) is Data[j * Stride + i] rather than Data[i * Stride + j].</summary>
    public bool IsTransposed { get; }

    /// <summary>Element (<paramref name="row"/>, <paramref name="column"/>).</summary>
    public T this[int row, int column]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)Rows);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)column, (uint)Columns);
            return IsTransposed ? Data[(column * Stride) + row] : Data[(row * Stride) + column];
        }
    }

    /// <summary>Says that unsafe code reads all of it.</summary>
    [Conditional("VERNIER_CHECKED")]
    internal void Touched() => Touch.Rows(Data, 0, IsTransposed ? Columns : Rows, IsTransposed ? Rows : Columns, Stride);

    /// <summary>The transposed matrix; nothing is copied.</summary>
    public ReadOnlyMatrixSpan<T> Transpose() => new(Data, Columns, Rows, Stride, !IsTransposed);

    /// <summary>The block of <paramref name="rows"/> x <paramref name="columns"/> elements from (row, column) on.</summary>
    public ReadOnlyMatrixSpan<T> Slice(int row, int column, int rows, int columns)
    {
        MatrixShape.CheckSlice(Rows, Columns, row, column, rows, columns);
        int start = IsTransposed ? (column * Stride) + row : (row * Stride) + column;
        return new(rows == 0 || columns == 0 ? [] : Data[start..], rows, columns, Stride, IsTransposed);
    }
}

internal static class MatrixShape
{
    public static void Check(int length, int rows, int columns, int stride)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        ArgumentOutOfRangeException.ThrowIfLessThan(stride, columns);
        if (rows > 0 && columns > 0)
            ArgumentOutOfRangeException.ThrowIfLessThan(length, ((rows - 1L) * stride) + columns);
    }

    public static void CheckSlice(int ofRows, int ofColumns, int row, int column, int rows, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfNegative(column);
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows, ofRows - row);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(columns, ofColumns - column);
    }
}
