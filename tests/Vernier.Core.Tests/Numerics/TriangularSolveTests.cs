using Vernier.Numerics;

namespace Vernier.Tests;

[UsesInstructions]
public class TriangularSolveTests
{
    [Fact]
    public void EverySizeIsSolvedAsByTheReference()
    {
        var random = new Random(1);
        for (int size = 0; size <= 70; size++)
            Check(random, size, random.Next(71), random.Next(2) * 3);
    }

    [Theory]
    [InlineData(130, 1)]
    [InlineData(200, 300)]
    [InlineData(64, 0)]
    [InlineData(333, 64)]
    public void LargeSystemsAreSolvedAsByTheReference(int size, int count) => Check(new Random(2), size, count, 1);

    [Fact]
    public void TheInverseOfATriangleSolvesIt()
    {
        foreach (int size in (int[])[0, 1, 5, 63, 64, 65, 200])
        {
            TestMatrix<double> l = Triangle<double>(new Random(size), size, 2);
            double[,] triangle = Lower(l.ToDouble()), identity = new double[size, size];
            for (int i = 0; i < size; i++)
                identity[i, i] = 1;
            Cholesky.InvertTriangle(l.Span, Workers.Shared);
            Matrices.AssertClose(identity, NumericsReference.Multiply(Lower(l.ToDouble()), triangle), 1e-12);
            l.AssertGapsKept();
        }
    }

    [Fact]
    public void ShapesThatDoNotFitAreRefused()
    {
        float[] data = new float[24];
        Refusal.Of<ArgumentException>("3 x 3 can't solve a system of 2", () => TriangularSolve.Left(
            new ReadOnlyMatrixSpan<float>(data, 3, 3), new MatrixSpan<float>(data, 2, 3), Workers.Shared));
        Refusal.Of<ArgumentException>("3 x 3 can't solve a system of 2", () => TriangularSolve.Right(
            new ReadOnlyMatrixSpan<float>(data, 3, 3), new MatrixSpan<float>(data, 3, 2), Workers.Shared));
        Refusal.Of<ArgumentException>("3 x 2 can't solve a system of 3", () => TriangularSolve.Left(
            new ReadOnlyMatrixSpan<float>(data, 3, 2), new MatrixSpan<float>(data, 3, 2), Workers.Shared));
    }

    private static void Check(Random random, int size, int count, int gap)
    {
        foreach (bool transposed in (bool[])[false, true])
        {
            // NaN above the diagonal shows that only the triangle is read.
            TestMatrix<float> l = Triangle<float>(random, size, gap);
            double[,] t = Lower(l.ToDouble()), upper = NumericsReference.Transpose(t);
            string what = $"{size} {count} {transposed}";

            TestMatrix<float> b = TestMatrix<float>.Random(random, size, count, gap);
            double[,] expected = NumericsReference.Solve(transposed ? upper : t, !transposed, b.ToDouble());
            TriangularSolve.Left(transposed ? l.ReadOnly.Transpose() : l.ReadOnly, b.Span, Workers.Shared);
            Matrices.AssertClose(expected, b.ToDouble(), 1e-5, what);
            b.AssertGapsKept();

            // X T = B is T^T X^T = B^T.
            TestMatrix<double> wide = TestMatrix<double>.From(l.ToDouble()), right = TestMatrix<double>.Random(random, count, size, gap);
            expected = NumericsReference.Transpose(NumericsReference.Solve(
                transposed ? t : upper, transposed, NumericsReference.Transpose(right.ToDouble())));
            TriangularSolve.Right(transposed ? wide.ReadOnly.Transpose() : wide.ReadOnly, right.Span, Workers.Shared);
            Matrices.AssertClose(expected, right.ToDouble(), 1e-13, what);
            right.AssertGapsKept();
        }
    }

    private static TestMatrix<T> Triangle<T>(Random random, int size, int gap)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        var l = new TestMatrix<T>(size, size, gap);
        l.Fill((i, j) => j > i ? T.NaN : T.CreateTruncating(i == j ? 1 + random.NextDouble() : (random.NextDouble() - 0.5) * 2 / size));
        return l;
    }

    private static double[,] Lower(double[,] a)
    {
        for (int i = 0; i < a.GetLength(0); i++)
        {
            for (int j = i + 1; j < a.GetLength(1); j++)
                a[i, j] = 0;
        }
        return a;
    }
}
