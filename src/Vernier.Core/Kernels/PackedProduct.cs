using System.Numerics.Tensors;
using Vernier.Memory;
using Vernier.Numerics;
using Vernier.Packing;

namespace Vernier.Kernels;

/// <summary>
/// The plain product of activations with a packed matrix: rows of the matrix are dequantized to single precision, a tile at a time,
/// and multiplied there. It defines what faster kernels compute.
/// </summary>
public static unsafe class PackedProduct
{
    private const int TileElements = 1 << 18;

    /// <summary>Y = X W^T.</summary>
    /// <param name="x">Activations, rows x W.Columns.</param>
    /// <param name="rows">The number of rows of X.</param>
    /// <param name="weight">W.</param>
    /// <param name="y">Receives rows x W.Rows.</param>
    /// <param name="workers">The threads.</param>
    public static void Multiply(ReadOnlySpan<float> x, int rows, PackedMatrix weight, Span<float> y, Workers workers)
    {
        ArgumentNullException.ThrowIfNull(weight);
        ArgumentNullException.ThrowIfNull(workers);
        ArgumentOutOfRangeException.ThrowIfLessThan(x.Length, (long)rows * weight.Columns);
        ArgumentOutOfRangeException.ThrowIfLessThan(y.Length, (long)rows * weight.Rows);
        int tile = Math.Clamp(TileElements / weight.Columns, 1, weight.Rows);
        if (rows == 1)
        {
            OneRow(x, weight, y, workers);
            return;
        }
        using var buffer = new PooledArray<float>(tile * weight.Columns);
        using var product = new PooledArray<float>(tile * rows);
        Memory<float> tileRows = buffer.Memory;
        for (int first = 0; first < weight.Rows; first += tile)
        {
            int count = Math.Min(tile, weight.Rows - first), start = first;
            workers.For(count, r => weight.DequantizeRow(start + r, tileRows.Span.Slice(r * weight.Columns, weight.Columns)));
            MatrixProduct.MultiplyTransposed(x, buffer.Span, product.Span, rows, count, weight.Columns, workers);
            for (int r = 0; r < rows; r++)
                product.Span.Slice(r * count, count).CopyTo(y[(r * weight.Rows + first)..]);
        }
    }

    private static void OneRow(ReadOnlySpan<float> x, PackedMatrix weight, Span<float> y, Workers workers)
    {
        Touch.Range(x, 0, weight.Columns);
        Touch.Range<float>(y, 0, weight.Rows);
        fixed (float* px = x, py = y)
        {
            nint input = (nint)px, output = (nint)py;
            const int Chunk = 64;
            workers.For((weight.Rows + Chunk - 1) / Chunk, index =>
            {
                using var buffer = new PooledArray<float>(weight.Columns);
                Span<float> row = buffer.Span;
                int end = Math.Min(weight.Rows, (index + 1) * Chunk);
                for (int r = index * Chunk; r < end; r++)
                {
                    weight.DequantizeRow(r, row);
                    ((float*)output)[r] = TensorPrimitives.Dot(new ReadOnlySpan<float>((float*)input, weight.Columns), row);
                }
            });
        }
    }
}
