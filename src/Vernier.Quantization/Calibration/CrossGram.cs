using System.Numerics.Tensors;
using Vernier.Memory;
using Vernier.Numerics;

namespace Vernier.Quantization.Calibration;

/// <summary>
/// D = sum over tokens of (y - x) x^T, C x C, for the input y that a layer has in the float network and the input x that it has behind
/// quantized
/// layers. Blocks of tokens are multiplied in single precision and added up in double precision, in their order.
/// </summary>
/// <param name="columns">C.</param>
/// <param name="workers">Who adds up.</param>
internal sealed class CrossGram(int columns, Workers workers)
{
    private const int BlockRows = 512;

    private readonly double[] _sums = new double[checked(columns * columns)];

    /// <summary>D, row by row: the sum itself, not a copy.</summary>
    public double[] Sums => _sums;

    /// <summary>Adds tokens.</summary>
    /// <param name="y">rows x C.</param>
    /// <param name="x">rows x C.</param>
    /// <param name="rows">The number of tokens.</param>
    public void Add(ReadOnlySpan<float> y, ReadOnlySpan<float> x, int rows)
    {
        using var difference = new PooledArray<float>(Math.Min(rows, BlockRows) * columns);
        using var product = new PooledArray<float>(columns * columns);
        for (int first = 0; first < rows; first += BlockRows)
        {
            int count = Math.Min(BlockRows, rows - first);
            ReadOnlySpan<float> left = y.Slice(first * columns, count * columns), right = x.Slice(first * columns, count * columns);
            Span<float> block = difference.Span[..left.Length];
            TensorPrimitives.Subtract(left, right, block);
            MatrixProduct.Multiply(new ReadOnlyMatrixSpan<float>(block, count, columns).Transpose(),
                new ReadOnlyMatrixSpan<float>(right, count, columns), new MatrixSpan<float>(product.Span, columns, columns),
                ProductUpdate.Set, workers);
            Memory<float> sums = product.Memory;
            workers.For(columns, row =>
            {
                Span<double> target = _sums.AsSpan(row * columns, columns);
                ReadOnlySpan<float> source = sums.Span.Slice(row * columns, columns);
                for (int i = 0; i < target.Length; i++)
                    target[i] += source[i];
            });
        }
    }
}
