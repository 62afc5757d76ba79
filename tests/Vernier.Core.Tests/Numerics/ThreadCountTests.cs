using Vernier.Numerics;

namespace Vernier.Tests;

/// <summary>The only tests that change the number of threads; together in one class, they run one after another.</summary>
public class ThreadCountTests
{
    [Theory]
    [InlineData(16, 300, 700)]
    [InlineData(200, 500, 1100)]
    [InlineData(700, 600, 1300)]
    public void AProductDoesNotDependOnIt(int m, int n, int k)
    {
        var random = new Random(1);
        TestMatrix<float> a = TestMatrix<float>.Random(random, m, k), b = TestMatrix<float>.Random(random, n, k), start = TestMatrix<float>.Random(random, m, n);
        SameBits(start.Data, c => MatrixProduct.Multiply(a.ReadOnly, b.ReadOnly.Transpose(), new MatrixSpan<float>(c, m, n), ProductUpdate.Subtract));
    }

    [Fact]
    public void ASymmetricUpdateDoesNotDependOnIt()
    {
        TestMatrix<float> x = TestMatrix<float>.Random(new Random(2), 1300, 400);
        SameBits(new float[400 * 400], h => SymmetricProduct.Update(x.ReadOnly, new MatrixSpan<float>(h, 400, 400)));
        SameBits(new double[400 * 400], h => SymmetricProduct.Update(x.ReadOnly, new MatrixSpan<double>(h, 400, 400)));
    }

    [Fact]
    public void AFactorizationDoesNotDependOnIt()
    {
        double[,] a = Matrices.PositiveDefinite(new Random(3), 500, 1000);
        SameBits(TestMatrix<float>.From(a).Data, x => Assert.True(Cholesky.TryFactor(new MatrixSpan<float>(x, 500, 500), out _)));
        SameBits(TestMatrix<double>.From(a).Data, x => Assert.True(Cholesky.TryInvert(new MatrixSpan<double>(x, 500, 500), out _)));
    }

    // Several products at once, from threads of the pool: none waits for a thread that the others hold.
    [Fact]
    public void NestedProductsEnd()
    {
        var random = new Random(4);
        TestMatrix<float> a = TestMatrix<float>.Random(random, 300, 300), b = TestMatrix<float>.Random(random, 300, 300);
        float[][] results = [.. Enumerable.Range(0, 24).Select(_ => new float[300 * 300])];
        ParallelLoop.For(24, i => MatrixProduct.MultiplyTransposed(a.Data, b.Data, results[i], 300, 300, 300));
        Assert.All(results, x => Assert.Equal(results[0], x));
    }

    private static void SameBits<T>(T[] start, Action<T[]> compute)
    {
        int threads = ParallelLoop.MaxThreads;
        try
        {
            List<T[]> results = [];
            foreach (int count in (int[])[1, 2, 3])
            {
                ParallelLoop.MaxThreads = count;
                T[] result = [.. start];
                compute(result);
                results.Add(result);
            }
            Assert.Equal(results[0], results[1]);
            Assert.Equal(results[0], results[2]);
        }
        finally
        {
            ParallelLoop.MaxThreads = threads;
        }
    }
}
