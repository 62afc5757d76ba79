using System.Numerics.Tensors;
using Vernier.Files;
using Vernier.Numerics;

namespace Vernier.Quantization.Pipeline;

/// <summary>A weight matrix of a checkpoint, read in pieces: rows are output channels, columns input channels.</summary>
public sealed class WeightMatrix
{
    private readonly Checkpoint _checkpoint;

    /// <summary>Creates a view.</summary>
    /// <param name="checkpoint">The checkpoint, which must outlive the view.</param>
    /// <param name="tensor">A tensor of two dimensions, none of them 0 or above 2^31 - 1, and of a float type.</param>
    public WeightMatrix(Checkpoint checkpoint, TensorInfo tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        _checkpoint = checkpoint;
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
    public void Read(int row, int column, Span<float> destination) =>
        _checkpoint.Read(Tensor, (long)row * Columns + column, destination);

    /// <summary>The largest absolute weight.</summary>
    /// <exception cref="InvalidFileException">A weight is not a finite number.</exception>
    public float LargestMagnitude()
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
        return bad < 0 ? largest.Max() : throw NotFinite(bad * rowsPerBlock, rowsPerBlock);
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
