using System.Numerics.Tensors;
using Vernier.Files;
using Vernier.Numerics;
using Vernier.Quantization.Transforms;

namespace Vernier.Quantization.Pipeline;

/// <summary>A weight matrix of a checkpoint, read in pieces: rows are output channels, columns input channels.</summary>
public sealed class WeightMatrix
{
    private readonly Checkpoint _checkpoint;
    private readonly TensorOrder? _order;
    private int? _shift;

    /// <summary>Creates a view.</summary>
    /// <param name="checkpoint">The checkpoint, which must outlive the view.</param>
    /// <param name="tensor">A tensor of two dimensions, none of them 0 or above 2^31 - 1, and of a float type.</param>
    /// <param name="order">The order of its rows and columns; null for that of the file.</param>
    public WeightMatrix(Checkpoint checkpoint, TensorInfo tensor, TensorOrder? order = null)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        (_checkpoint, _order) = (checkpoint, order);
        Tensor = tensor;
        Rows = checked((int)tensor.Shape[0]);
        Columns = checked((int)tensor.Shape[1]);
    }

    /// <summary>The tensor.</summary>
    public TensorInfo Tensor { get; }

    /// <summary>Output channels.</summary>
    public int Rows { get; }

    /// <summary>Input channels.</summary>
    public int Columns { get; }

    /// <summary>Reads consecutive weights.</summary>
    /// <param name="row">The row of the first.</param>
    /// <param name="column">The column of the first.</param>
    /// <param name="destination">Receives as many as it is long.</param>
    public void Read(int row, int column, Span<float> destination)
    {
        if (_order is null)
        {
            _checkpoint.Read(Tensor, (long)row * Columns + column, destination);
            return;
        }
        using var line = new PooledArray<float>(Columns);
        for (; !destination.IsEmpty; row++, column = 0)
        {
            int count = Math.Min(destination.Length, Columns - column);
            _checkpoint.Read(Tensor, (long)_order.Row(row) * Columns, line.Span);
            _order.Gather(line.Span, column, destination[..count]);
            destination = destination[count..];
        }
    }

    /// <summary>
    /// The power of two, as its exponent, next above the largest absolute weight; 0 for a matrix of zeros. Solvers work on weights divided by
    /// it, so that no sum of squares and no half-precision scale leaves its range, however large or small the weights are.
    /// </summary>
    /// <exception cref="InvalidFileException">A weight is not a finite number.</exception>
    public int Shift => _shift ??= FindShift();

    /// <summary>Reads consecutive weights, divided by 2^<see cref="Shift"/>: exactly, none above 1.</summary>
    /// <param name="row">The row of the first.</param>
    /// <param name="column">The column of the first.</param>
    /// <param name="destination">Receives as many as it is long.</param>
    public void ReadNormalized(int row, int column, Span<float> destination)
    {
        Read(row, column, destination);
        Normalize(destination);
    }

    /// <summary>Reads the whole matrix, divided by 2^<see cref="Shift"/>.</summary>
    public float[] ReadNormalized()
    {
        var values = GC.AllocateUninitializedArray<float>(checked(Rows * Columns));
        ReadNormalized(0, 0, values);
        return values;
    }

    /// <summary>Divides numbers of the size of the weights by 2^<see cref="Shift"/>.</summary>
    public void Normalize(Span<float> values) => Normalize(values, Shift);

    /// <summary>Divides numbers by 2^shift.</summary>
    internal static void Normalize(Span<float> values, int shift)
    {
        // In two steps: 2^-shift alone may be out of range.
        TensorPrimitives.Multiply(values, MathF.ScaleB(1, -shift / 2), values);
        TensorPrimitives.Multiply(values, MathF.ScaleB(1, -(shift - shift / 2)), values);
    }

    private int FindShift()
    {
        int rowsPerBlock = Math.Clamp((1 << 20) / Columns, 1, Rows), blocks = (Rows + rowsPerBlock - 1) / rowsPerBlock;
        var largest = new float[blocks];
        ParallelLoop.For(blocks, block =>
        {
            int first = block * rowsPerBlock, count = Math.Min(rowsPerBlock, Rows - first);
            using var buffer = new PooledArray<float>(checked(count * Columns));
            Read(first, 0, buffer.Span);
            largest[block] = Math.Abs(TensorPrimitives.MaxMagnitude<float>(buffer.Span));
        });
        int bad = Array.FindIndex(largest, x => !float.IsFinite(x));
        if (bad >= 0)
            throw NotFinite(bad * rowsPerBlock, rowsPerBlock);
        float most = largest.Max();
        // The unit of a level table, 2^-15 of this at the least, must be a normal number.
        return most == 0 ? 0 : Math.Clamp(Math.ILogB(most) + 1, -100, 127);
    }

    private InvalidFileException NotFinite(int firstRow, int rows)
    {
        var buffer = new float[Columns];
        for (int row = firstRow; row < Math.Min(Rows, firstRow + rows); row++)
        {
            Read(row, 0, buffer);
            int column = Array.FindIndex(buffer, x => !float.IsFinite(x));
            if (column >= 0)
                return new InvalidFileException(_checkpoint.FileOf(Tensor), "weight-not-finite", $"the weight at row {row}, column {column} is {buffer[column]}", "Repair the checkpoint, or keep this tensor as it is with --keep", Tensor.Name);
        }
        throw new InvalidOperationException("no weight is out of range");
    }
}
