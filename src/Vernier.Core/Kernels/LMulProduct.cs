using Vernier.Memory;
using Vernier.Numerics;
using Vernier.Packing;

namespace Vernier.Kernels;

/// <summary>
/// The product of activations with a packed matrix by L-Mul: both are rounded to four bits of mantissa, products are sums of bit patterns,
/// and these are added up in single
/// precision. It is to show what such a product does to a model, not to be fast.
/// </summary>
public static unsafe class LMulProduct
{
    /// <summary>The bits of mantissa.</summary>
    public const int MantissaBits = 4;

    private const int RowsPerItem = 16;

    /// <summary>Y = X W^T, of the weights with all that is added to them. The same on any number of threads.</summary>
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
        int columns = weight.Columns;
        using var buffer = new PooledArray<float>(rows * columns);
        for (int i = 0; i < buffer.Span.Length; i++)
            buffer.Span[i] = LMul.Round(x[i], MantissaBits);
        Memory<float> input = buffer.Memory;
        fixed (float* py = y)
        {
            nint output = (nint)py;
            workers.For((weight.Rows + RowsPerItem - 1) / RowsPerItem, item =>
            {
                using var rowBuffer = new PooledArray<float>(columns);
                Span<float> row = rowBuffer.Span;
                for (int r = item * RowsPerItem; r < Math.Min(weight.Rows, (item + 1) * RowsPerItem); r++)
                {
                    weight.DequantizeRow(r, row);
                    for (int i = 0; i < columns; i++)
                        row[i] = LMul.Round(row[i], MantissaBits);
                    for (int token = 0; token < rows; token++)
                        ((float*)output)[(long)token * weight.Rows + r] =
                            LMul.Dot(input.Span.Slice(token * columns, columns), row, MantissaBits);
                }
            });
        }
    }
}
