using System.Numerics;
using Vernier.Numerics;

namespace Vernier.Tests;

[UsesInstructions]
public class CholeskyTests
{
    public static TheoryData<int> Sizes => [.. Enumerable.Range(0, 71), 127, 128, 129, 200, 333];

    [Theory]
    [MemberData(nameof(Sizes))]
    public void TheFactorGivesTheMatrixBack(int size)
    {
        CheckFactor<float>(size, 100);
        CheckFactor<double>(size, 100);
    }

    // The error of the factorization is small against the matrix, however ill-conditioned it is.
    [Theory]
    [InlineData(12, 1e5)]
    [InlineData(100, 1e5)]
    [InlineData(260, 1e5)]
    public void AnIllConditionedMatrixHasASmallResidual(int size, double condition)
    {
        CheckFactor<float>(size, condition);
        CheckFactor<double>(size, condition * condition);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(5, 4)]
    [InlineData(64, 63)]
    [InlineData(65, 64)]
    [InlineData(200, 0)]
    [InlineData(200, 70)]
    [InlineData(200, 150)]
    [InlineData(333, 332)]
    public void TheFirstBadPivotIsNamed(int size, int bad)
    {
        foreach (float value in (float[])[-1, 0, float.NaN, float.PositiveInfinity, float.NegativeInfinity])
        {
            double[,] a = Matrices.PositiveDefinite(new Random(size), size, 10);
            Assert.Equal(-1, NumericsReference.Factor(a).FailedPivot);
            a[bad, bad] = value;
            TestMatrix<float> single = TestMatrix<float>.From(a);
            Assert.False(Cholesky.TryFactor(single.Span, out int pivot, Workers.Shared));
            Assert.Equal(bad, pivot);
            TestMatrix<double> precise = TestMatrix<double>.From(a);
            Assert.False(Cholesky.TryInvert(precise.Span, out pivot, Workers.Shared));
            Assert.Equal(bad, pivot);
        }
    }

    [Fact]
    public void AnIndefiniteMatrixWithAPositiveDiagonalIsDetected()
    {
        double[,] a = new double[100, 100];
        for (int i = 0; i < 100; i++)
            a[i, i] = 1;
        a[80, 20] = a[20, 80] = 2;
        Assert.Equal(80, NumericsReference.Factor(a).FailedPivot);
        Assert.False(Cholesky.TryFactor(TestMatrix<float>.From(a).Span, out int pivot, Workers.Shared));
        Assert.Equal(80, pivot);
    }

    [Fact]
    public void NotANumberBelowTheDiagonalIsDetected()
    {
        double[,] a = Matrices.PositiveDefinite(new Random(1), 150, 10);
        a[140, 30] = double.NaN;
        Assert.False(Cholesky.TryFactor(TestMatrix<float>.From(a).Span, out int pivot, Workers.Shared));
        Assert.Equal(140, pivot);
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void TheInverseTimesTheMatrixIsTheIdentity(int size)
    {
        double[,] a = Matrices.PositiveDefinite(new Random(size), size, 50), identity = new double[size, size];
        for (int i = 0; i < size; i++)
            identity[i, i] = 1;
        TestMatrix<float> single = TestMatrix<float>.From(a, 2);
        Assert.True(Cholesky.TryInvert(single.Span, out int pivot, Workers.Shared));
        Assert.Equal(-1, pivot);
        single.AssertGapsKept();
        Matrices.AssertClose(identity, NumericsReference.Multiply(single.ToDouble(), a), 5e-4);
        TestMatrix<double> precise = TestMatrix<double>.From(a);
        Assert.True(Cholesky.TryInvert(precise.Span, out _, Workers.Shared));
        Matrices.AssertClose(identity, NumericsReference.Multiply(precise.ToDouble(), a), 1e-12);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(70, 3)]
    [InlineData(200, 90)]
    public void SolveGivesTheSolution(int size, int count)
    {
        double[,] a = Matrices.PositiveDefinite(new Random(size), size, 50);
        TestMatrix<double> l = TestMatrix<double>.From(a), x = TestMatrix<double>.Random(new Random(1), size, count, 4);
        TestMatrix<double> b = TestMatrix<double>.From(NumericsReference.Multiply(a, x.ToDouble()), 1);
        Assert.True(Cholesky.TryFactor(l.Span, out _, Workers.Shared));
        Cholesky.Solve(l.Span, b.Span, Workers.Shared);
        Matrices.AssertClose(x.ToDouble(), b.ToDouble(), 1e-12);
    }

    [Fact]
    public void AMatrixThatIsNotSquareIsRefused()
    {
        Refusal.Of<ArgumentException>("2 x 3 is not square",
            () => Cholesky.TryFactor(new MatrixSpan<float>(new float[6], 2, 3), out _, Workers.Shared));
        Refusal.Of<ArgumentException>("2 x 3 is not square",
            () => Cholesky.InvertTriangle(new MatrixSpan<double>(new double[6], 2, 3), Workers.Shared));
    }

    private static void CheckFactor<T>(int size, double condition)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        double[,] exact = Matrices.PositiveDefinite(new Random(size), size, condition);
        TestMatrix<T> a = TestMatrix<T>.From(exact, 3);
        double[,] given = a.ToDouble();
        for (int i = 0; i < size; i++)
        {
            for (int j = i + 1; j < size; j++)
                a[i, j] = T.NaN;
        }
        bool factored = typeof(T) == typeof(float)
            ? Cholesky.TryFactor(((TestMatrix<float>)(object)a).Span, out int pivot, Workers.Shared)
            : Cholesky.TryFactor(((TestMatrix<double>)(object)a).Span, out pivot, Workers.Shared);
        Assert.True(factored);
        Assert.Equal(-1, pivot);
        a.AssertGapsKept();
        double[,] l = a.ToDouble();
        for (int i = 0; i < size; i++)
        {
            for (int j = i + 1; j < size; j++)
            {
                Assert.True(double.IsNaN(l[i, j]));
                l[i, j] = 0;
                given[i, j] = given[j, i];
            }
        }
        Matrices.AssertClose(given, NumericsReference.Multiply(l, NumericsReference.Transpose(l)), Matrices.Tolerance<T>(size), $"{size}");
    }
}
