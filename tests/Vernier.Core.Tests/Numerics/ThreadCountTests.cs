using Vernier.Numerics;

namespace Vernier.Tests;

/// <summary>Results on different numbers of threads, more than there are processors too.</summary>
public class ThreadCountTests
{
    [Theory]
    [InlineData(16, 300, 700)]
    [InlineData(200, 500, 1100)]
    [InlineData(700, 600, 1300)]
    public void AProductDoesNotDependOnIt(int m, int n, int k)
    {
        var random = new Random(1);
        TestMatrix<float> a = TestMatrix<float>.Random(random, m, k), b = TestMatrix<float>.Random(random, n, k),
            start = TestMatrix<float>.Random(random, m, n);
        SameBits(start.Data, (c, workers) => MatrixProduct.Multiply(
            a.ReadOnly, b.ReadOnly.Transpose(), new MatrixSpan<float>(c, m, n), ProductUpdate.Subtract, workers));
    }

    [Fact]
    public void ASymmetricUpdateDoesNotDependOnIt()
    {
        TestMatrix<float> x = TestMatrix<float>.Random(new Random(2), 1300, 400);
        SameBits(new float[400 * 400], (h, workers) =>
            SymmetricProduct.Update(x.ReadOnly, new MatrixSpan<float>(h, 400, 400), ProductUpdate.Add, workers));
        SameBits(new double[400 * 400], (h, workers) => SymmetricProduct.Update(x.ReadOnly, new MatrixSpan<double>(h, 400, 400), workers));
    }

    [Fact]
    public void AFactorizationDoesNotDependOnIt()
    {
        double[,] a = Matrices.PositiveDefinite(new Random(3), 500, 1000);
        SameBits(TestMatrix<float>.From(a).Data, (x, workers) =>
            Assert.True(Cholesky.TryFactor(new MatrixSpan<float>(x, 500, 500), out _, workers)));
        SameBits(TestMatrix<double>.From(a).Data, (x, workers) =>
            Assert.True(Cholesky.TryInvert(new MatrixSpan<double>(x, 500, 500), out _, workers)));
    }

    // A solve with many right-hand sides, and the mirror image.
    [Fact]
    public void SystemsAndMirrorImagesDoNotDependOnIt()
    {
        var random = new Random(5);
        TestMatrix<double> l = TestMatrix<double>.Random(random, 300, 300), b = TestMatrix<double>.Random(random, 300, 700);
        for (int i = 0; i < 300; i++)
            l.Data[i * 300 + i] = 20;
        SameBits(b.Data, (x, workers) => TriangularSolve.Left(l.ReadOnly, new MatrixSpan<double>(x, 300, 700), workers));
        SameBits(l.Data, (x, workers) => SymmetricProduct.Mirror(new MatrixSpan<double>(x, 300, 300), workers));
    }

    // Several products at once, from within items: each is done by the thread that asks for it.
    [Fact]
    public void NestedProductsEnd()
    {
        var random = new Random(4);
        TestMatrix<float> a = TestMatrix<float>.Random(random, 300, 300), b = TestMatrix<float>.Random(random, 300, 300);
        float[][] results = [.. Enumerable.Range(0, 24).Select(_ => new float[300 * 300])];
        using var workers = new Workers(4);
        workers.For(24, i => MatrixProduct.MultiplyTransposed(a.Data, b.Data, results[i], 300, 300, 300, workers));
        Assert.All(results, x => Assert.Equal(results[0], x));
    }

    private static void SameBits<T>(T[] start, Action<T[], Workers> compute)
    {
        T[][] results = [.. ((int[])[1, 2, 3, 8]).Select(count =>
        {
            using var workers = new Workers(count);
            T[] result = [.. start];
            compute(result, workers);
            return result;
        })];
        Assert.All(results, result => Assert.Equal(results[0], result));
    }
}
