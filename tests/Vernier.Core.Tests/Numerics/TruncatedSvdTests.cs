using Vernier.Numerics;

namespace Vernier.Tests.Numerics;

public class TruncatedSvdTests
{
    [Theory]
    [InlineData(40, 30, 3)]
    [InlineData(30, 40, 30)]
    [InlineData(1, 50, 1)]
    [InlineData(50, 1, 1)]
    [InlineData(200, 130, 8)]
    public void ThePartsAreThoseOfTheFullDecomposition(int rows, int columns, int rank)
    {
        var random = new Random(rows);
        float[] matrix = [.. Enumerable.Range(0, rows * columns).Select(_ => (float)(random.NextDouble() - 0.5))];
        TruncatedSvd svd = TruncatedSvd.Of(matrix, rows, columns, rank, Workers.Shared);
        double[] gram = new double[columns * columns];
        for (int i = 0; i < columns; i++)
        {
            for (int j = 0; j < columns; j++)
                gram[i * columns + j] = Enumerable.Range(0, rows).Sum(r => (double)matrix[r * columns + i] * matrix[r * columns + j]);
        }
        double[] all = [.. SymmetricEigen.Of(gram, columns).Values.Select(value => Math.Sqrt(Math.Max(0, value)))];
        for (int k = 0; k < rank; k++)
        {
            Assert.Equal(all[k], svd.Values[k], all[0] * 2e-3);
            for (int other = 0; other <= k; other++)
            {
                Assert.Equal(k == other ? 1 : 0, Dot(svd.Left, rows, k, other), 1e-4);
                Assert.Equal(k == other ? 1 : 0, Dot(svd.Right, columns, k, other), 1e-4);
            }
        }
        // What is left of the matrix is the tail of its singular values.
        double left = 0, tail = all.Skip(rank).Sum(s => s * s);
        for (int r = 0; r < rows; r++)
        {
            for (int c = 0; c < columns; c++)
                left += Math.Pow(matrix[r * columns + c] - Enumerable.Range(0, rank)
                    .Sum(k => svd.Values[k] * svd.Left[k * rows + r] * svd.Right[k * columns + c]), 2);
        }
        Assert.Equal(tail, left, 0.005 * tail + 1e-6 * all[0] * all[0]);
    }

    [Fact]
    public void AMatrixOfLowRankIsFoundWhole()
    {
        float[] u = [1, 2, 3, -4], v = [0.5f, 0, -1], matrix = [.. u.SelectMany(x => v.Select(y => x * y))];
        TruncatedSvd svd = TruncatedSvd.Of(matrix, 4, 3, 3, Workers.Shared);
        Assert.Equal(Math.Sqrt(30 * 1.25), svd.Values[0], 1e-5);
        Assert.Equal(0, svd.Values[1], 1e-5);
        Assert.All(svd.Left.Concat(svd.Right), x => Assert.True(float.IsFinite(x)));
        Assert.All(TruncatedSvd.Of(new float[12], 4, 3, 2, Workers.Shared).Values, value => Assert.Equal(0, value));
    }

    [Fact]
    public void TheSameOnAnyNumberOfThreads()
    {
        var random = new Random(1);
        float[] matrix = [.. Enumerable.Range(0, 300 * 200).Select(_ => (float)random.NextDouble())];
        TruncatedSvd[] results = [.. ((int[])[1, 3]).Select(count =>
        {
            using var workers = new Workers(count);
            return TruncatedSvd.Of(matrix, 300, 200, 5, workers);
        })];
        Assert.Equal(results[0].Values, results[1].Values);
        Assert.Equal(results[0].Left, results[1].Left);
        Assert.Equal(results[0].Right, results[1].Right);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(40)]
    public void EigenvectorsAreOrthogonalAndGiveTheMatrixBack(int n)
    {
        var random = new Random(n);
        var matrix = new double[n * n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
                matrix[i * n + j] = matrix[j * n + i] = random.NextDouble() - 0.5;
        }
        (double[] values, double[] vectors) = SymmetricEigen.Of([.. matrix], n);
        Assert.Equal(values.OrderDescending(), values);
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
                Assert.Equal(matrix[i * n + j], Enumerable.Range(0, n).Sum(k => values[k] * vectors[k * n + i] * vectors[k * n + j]),
                    1e-10);
        }
    }

    private static double Dot(float[] vectors, int length, int k, int other) =>
        Enumerable.Range(0, length).Sum(i => (double)vectors[k * length + i] * vectors[other * length + i]);
}
