using System.Numerics.Tensors;
using Vernier.Numerics;

namespace Vernier.Quantization.Calibration;

/// <summary>
/// D = sum over tokens of (y - x) x^T, C x C, for the input y that a layer has in the float network and the input x that it has behind quantized
/// layers, and from it the weights that make up for the difference.
/// </summary>
internal sealed class CrossGram(int columns)
{
    private const int BlockRows = 512;

    private readonly double[] _sums = new double[checked(columns * columns)];

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
            MatrixProduct.Multiply(new ReadOnlyMatrixSpan<float>(block, count, columns).Transpose(), new ReadOnlyMatrixSpan<float>(right, count, columns), new MatrixSpan<float>(product.Span, columns, columns));
            Memory<float> sums = product.Memory;
            ParallelLoop.For(columns, row =>
            {
                Span<double> target = _sums.AsSpan(row * columns, columns);
                ReadOnlySpan<float> source = sums.Span.Slice(row * columns, columns);
                for (int i = 0; i < target.Length; i++)
                    target[i] += source[i];
            });
        }
    }

    /// <summary>
    /// The weights whose output on the inputs x is nearest to that of W on the inputs y:
    /// argmin over V of ||W Y - V X||^2 + d m ||V - W||^2 = W + W D (H + d m I)^-1, with m the mean diagonal of H = X X^T.
    /// </summary>
    /// <param name="weights">W, R x C.</param>
    /// <param name="gram">H, C x C.</param>
    /// <param name="ridge">d, above 0: how firmly the weights are held.</param>
    /// <returns>The weights, R x C; null where H can't be factored.</returns>
    public float[]? Correct(float[] weights, double[] gram, double ridge)
    {
        int rows = weights.Length / columns;
        double[] matrix = [.. gram];
        double mean = Enumerable.Range(0, columns).Average(i => gram[i * columns + i]);
        for (int i = 0; i < columns; i++)
            matrix[i * columns + i] += ridge * mean;
        if (!(mean > 0) || !Cholesky.TryFactor(new MatrixSpan<double>(matrix, columns, columns), out _))
            return null;
        double[] wide = Array.ConvertAll(weights, weight => (double)weight);
        var moved = new double[weights.Length];
        MatrixProduct.Multiply(new ReadOnlyMatrixSpan<double>(wide, rows, columns), new ReadOnlyMatrixSpan<double>(_sums, columns, columns), new MatrixSpan<double>(moved, rows, columns));
        // Z (L L^T) = B: first Y L^T = B, then Z L = Y.
        var factor = new ReadOnlyMatrixSpan<double>(matrix, columns, columns);
        TriangularSolve.Right(factor.Transpose(), new MatrixSpan<double>(moved, rows, columns));
        TriangularSolve.Right(factor, new MatrixSpan<double>(moved, rows, columns));
        var corrected = new float[weights.Length];
        for (int i = 0; i < corrected.Length; i++)
            corrected[i] = (float)(wide[i] + moved[i]);
        return corrected;
    }
}
