using System.Numerics.Tensors;

namespace Vernier.Numerics;

/// <summary>
/// The largest singular values of a matrix and their vectors, A = U diag(s) V^T, by subspace iteration from a fixed random start: products in single, orthogonal
/// bases in double precision. The same on any number of threads. What it misses of the largest k is a matter of (s_m / s_k)^(4 i), with m the size of the
/// subspace, 2 k + 8, and i the iterations.
/// <para>N. Halko, P. Martinsson, J. Tropp: Finding structure with randomness, 2011.</para>
/// </summary>
public sealed class TruncatedSvd
{
    private const int Iterations = 16, Seed = 20;

    private TruncatedSvd(int rank, int rows, int columns) => (Values, Left, Right) = (new double[rank], new float[rank * rows], new float[rank * columns]);

    /// <summary>s, descending, as many as there are vectors.</summary>
    public double[] Values { get; }

    /// <summary>U^T, k x rows, row by row.</summary>
    public float[] Left { get; }

    /// <summary>V^T, k x columns, row by row.</summary>
    public float[] Right { get; }

    /// <summary>Factors a matrix.</summary>
    /// <param name="matrix">A, rows x columns, row by row, all finite.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="columns">The columns.</param>
    /// <param name="rank">How many singular values, 1 to the smaller side.</param>
    /// <param name="workers">The threads.</param>
    public static TruncatedSvd Of(ReadOnlySpan<float> matrix, int rows, int columns, int rank, Workers workers)
    {
        int most = Math.Min(rows, columns);
        ArgumentOutOfRangeException.ThrowIfLessThan(rank, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rank, most);
        ArgumentOutOfRangeException.ThrowIfLessThan(matrix.Length, (long)rows * columns);
        int size = Math.Min(most, 2 * rank + 8);
        var a = new ReadOnlyMatrixSpan<float>(matrix, rows, columns);
        float[] left = new float[size * rows], right = Start(size * columns);
        for (int i = 0; i <= Iterations; i++)
        {
            MatrixProduct.MultiplyTransposed(right, matrix, left, size, rows, columns, workers);
            Orthonormalize(left, size, rows);
            MatrixProduct.Multiply(new ReadOnlyMatrixSpan<float>(left, size, rows), a, new MatrixSpan<float>(right, size, columns), ProductUpdate.Set, workers);
            if (i < Iterations)
                Orthonormalize(right, size, columns);
        }
        // B = Q^T A of size x columns; from B B^T = V diag(s^2) V^T come the singular values, U = Q V and V^T B / s.
        var gram = new double[size * size];
        for (int i = 0; i < size; i++)
        {
            for (int j = 0; j <= i; j++)
                gram[i * size + j] = gram[j * size + i] = Dot(right.AsSpan(i * columns, columns), right.AsSpan(j * columns, columns));
        }
        (double[] values, double[] vectors) = SymmetricEigen.Of(gram, size);
        var result = new TruncatedSvd(rank, rows, columns);
        for (int k = 0; k < rank; k++)
        {
            double s = result.Values[k] = Math.Sqrt(Math.Max(0, values[k]));
            for (int j = 0; j < size; j++)
            {
                double part = vectors[k * size + j];
                TensorPrimitives.MultiplyAdd(left.AsSpan(j * rows, rows), (float)part, result.Left.AsSpan(k * rows, rows), result.Left.AsSpan(k * rows, rows));
                TensorPrimitives.MultiplyAdd(right.AsSpan(j * columns, columns), s > 0 ? (float)(part / s) : 0, result.Right.AsSpan(k * columns, columns), result.Right.AsSpan(k * columns, columns));
            }
        }
        return result;
    }

    // Gram and Schmidt, twice. A row that depends on those before it becomes 0.
    private static void Orthonormalize(float[] matrix, int rows, int columns)
    {
        var basis = new double[rows * columns];
        for (int row = 0; row < rows; row++)
        {
            Span<double> own = basis.AsSpan(row * columns, columns);
            TensorPrimitives.ConvertChecked<float, double>(matrix.AsSpan(row * columns, columns), own);
            double before = TensorPrimitives.Norm<double>(own);
            for (int pass = 0; pass < 2; pass++)
            {
                for (int other = 0; other < row; other++)
                {
                    ReadOnlySpan<double> earlier = basis.AsSpan(other * columns, columns);
                    TensorPrimitives.MultiplyAdd(earlier, -TensorPrimitives.Dot(own, earlier), own, own);
                }
            }
            double norm = TensorPrimitives.Norm<double>(own);
            TensorPrimitives.Multiply(own, norm > 1e-6 * before ? 1 / norm : 0, own);
            TensorPrimitives.ConvertTruncating<double, float>(own, matrix.AsSpan(row * columns, columns));
        }
    }

    private static double Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        double sum = 0;
        for (int i = 0; i < x.Length; i++)
            sum += (double)x[i] * y[i];
        return sum;
    }

    private static float[] Start(int count)
    {
        var random = new Random(Seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() - 0.5))];
    }
}
