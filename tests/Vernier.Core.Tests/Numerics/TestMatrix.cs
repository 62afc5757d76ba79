using System.Numerics;
using Vernier.Numerics;

namespace Vernier.Tests;

/// <summary>
/// A matrix with gaps between its rows and a remainder behind the last, all filled with a marker: NaN shows whether a kernel
/// reads there, and <see cref="AssertGapsKept"/> whether it writes.
/// </summary>
internal sealed class TestMatrix<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly int _gap;

    public TestMatrix(int rows, int columns, int gap)
    {
        (Rows, Columns, _gap) = (rows, columns, gap);
        Data = new T[Math.Max(0, (rows * Stride) - gap)];
        Array.Fill(Data, T.NaN);
    }

    public int Rows { get; }

    public int Columns { get; }

    public int Stride => Columns + _gap;

    public T[] Data { get; }

    public MatrixSpan<T> Span => new(Data, Rows, Columns, Stride);

    public ReadOnlyMatrixSpan<T> ReadOnly => Span;

    public T this[int i, int j]
    {
        get => Data[(i * Stride) + j];
        set => Data[(i * Stride) + j] = value;
    }

    public static TestMatrix<T> Random(Random random, int rows, int columns, int gap = 0)
    {
        var matrix = new TestMatrix<T>(rows, columns, gap);
        matrix.Fill((_, _) => T.CreateTruncating((random.NextDouble() * 2) - 1));
        return matrix;
    }

    public static TestMatrix<T> From(double[,] values, int gap = 0)
    {
        var matrix = new TestMatrix<T>(values.GetLength(0), values.GetLength(1), gap);
        matrix.Fill((i, j) => T.CreateTruncating(values[i, j]));
        return matrix;
    }

    public void Fill(Func<int, int, T> value)
    {
        for (int i = 0; i < Rows; i++)
        {
            for (int j = 0; j < Columns; j++)
                this[i, j] = value(i, j);
        }
    }

    public double[,] ToDouble()
    {
        double[,] result = new double[Rows, Columns];
        for (int i = 0; i < Rows; i++)
        {
            for (int j = 0; j < Columns; j++)
                result[i, j] = double.CreateTruncating(this[i, j]);
        }
        return result;
    }

    public void AssertGapsKept()
    {
        for (int i = 0; i + 1 < Rows; i++)
            Assert.All(Data[((i * Stride) + Columns)..((i + 1) * Stride)], x => Assert.True(T.IsNaN(x)));
    }
}

internal static class Matrices
{
    /// <summary>Asserts that no element is further from what is expected than <paramref name="tolerance"/>.</summary>
    public static void AssertClose(double[,] expected, double[,] actual, double tolerance, string what = "")
    {
        for (int i = 0; i < expected.GetLength(0); i++)
        {
            for (int j = 0; j < expected.GetLength(1); j++)
            {
                if (!(Math.Abs(expected[i, j] - actual[i, j]) <= tolerance))
                    Assert.Fail($"{what} ({i}, {j}): expected {expected[i, j]}, was {actual[i, j]}, tolerance {tolerance}");
            }
        }
    }

    /// <summary>The bound on the rounding error of sums of <paramref name="terms"/> products of numbers up to 1.</summary>
    public static double Tolerance<T>(int terms)
        where T : IFloatingPointIeee754<T> => (terms + 2) * 2 * double.CreateTruncating(T.BitIncrement(T.One) - T.One);

    /// <summary>A symmetric positive definite matrix whose eigenvalues run from 1 down to 1 / condition.</summary>
    public static double[,] PositiveDefinite(Random random, int size, double condition)
    {
        // Q D Q^T with Q a product of reflections I - 2 v v^T.
        double[,] a = new double[size, size];
        for (int i = 0; i < size; i++)
            a[i, i] = Math.Pow(condition, -i / Math.Max(1.0, size - 1));
        for (int reflection = 0; reflection < 3; reflection++)
        {
            double[] v = [.. Enumerable.Range(0, size).Select(_ => (random.NextDouble() * 2) - 1)];
            double norm = Math.Sqrt(v.Sum(x => x * x));
            a = Reflect(Reflect(a, v, norm), v, norm);
        }
        return a;
    }

    // The transpose of (I - 2 v v^T) A, so that doing it twice reflects from both sides.
    private static double[,] Reflect(double[,] a, double[] v, double norm)
    {
        int n = v.Length;
        double[,] result = new double[n, n];
        for (int j = 0; j < n; j++)
        {
            double dot = 0;
            for (int i = 0; i < n; i++)
                dot += v[i] / norm * a[i, j];
            for (int i = 0; i < n; i++)
                result[j, i] = a[i, j] - (2 * dot * v[i] / norm);
        }
        return result;
    }
}
