using Vernier.Numerics;

namespace Vernier.Tests.Numerics;

/// <summary>Matrices that are ill-conditioned, of odd sizes or known in closed form.</summary>
[UsesInstructions]
public class HardMatrixTests
{
    public static TheoryData<int> Sizes => [1, 2, 3, 24, 65, 1000];

    // A = tridiag(-1, 2, -1): l_jj^2 = (j + 2) / (j + 1), l_j+1,j = -1 / l_jj, and a^-1_ij = (i + 1)(n - j) / (n + 1) for i up to j.
    [Theory]
    [MemberData(nameof(Sizes))]
    public void TheSecondDifferenceHasItsKnownFactorAndInverse(int n)
    {
        double[,] a = new double[n, n], factor = new double[n, n], inverse = new double[n, n];
        for (int i = 0; i < n; i++)
        {
            a[i, i] = 2;
            factor[i, i] = Math.Sqrt((i + 2.0) / (i + 1));
            if (i > 0)
            {
                a[i, i - 1] = a[i - 1, i] = -1;
                factor[i, i - 1] = -1 / factor[i - 1, i - 1];
            }
            for (int j = i; j < n; j++)
                inverse[i, j] = inverse[j, i] = (i + 1.0) * (n - j) / (n + 1);
        }
        TestMatrix<double> l = TestMatrix<double>.From(a, 1), x = TestMatrix<double>.From(a, 2);
        Assert.True(Cholesky.TryFactor(l.Span, out int pivot, Workers.Shared));
        Assert.Equal(-1, pivot);
        Matrices.AssertClose(factor, Lower(l.ToDouble()), 1e-14, "factor");
        Assert.True(Cholesky.TryInvert(x.Span, out _, Workers.Shared));
        Matrices.AssertClose(inverse, x.ToDouble(), 1e-9 * n, "inverse");
        TestMatrix<double> b = TestMatrix<double>.From(a, 3);
        Cholesky.Solve(l.Span, b.Span, Workers.Shared);
        for (int i = 0; i < n; i++)
            Assert.Equal(1, b[i, i], 1e-9);
        b.AssertGapsKept();
    }

    // Hilbert's matrix of 8 has condition 1.5e10, and the residual of a solution is small all the same; that of 24 is singular to
    // double precision.
    [Fact]
    public void HilbertsMatrixIsSolvedOrRefused()
    {
        double[,] a = Hilbert(8);
        TestMatrix<double> l = TestMatrix<double>.From(a), b = new(8, 1, 0);
        b.Fill((_, _) => 1);
        Assert.True(Cholesky.TryFactor(l.Span, out _, Workers.Shared));
        Cholesky.Solve(l.Span, b.Span, Workers.Shared);
        double largest = b.Data.Max(Math.Abs);
        Assert.InRange(largest, 1e5, 1e7);
        double[,] back = NumericsReference.Multiply(a, b.ToDouble());
        for (int i = 0; i < 8; i++)
            Assert.Equal(1, back[i, 0], 1e-14 * largest);
        Assert.False(Cholesky.TryFactor(TestMatrix<double>.From(Hilbert(24)).Span, out int pivot, Workers.Shared));
        Assert.InRange(pivot, 10, 16);
        Assert.False(Cholesky.TryFactor(TestMatrix<float>.From(Hilbert(24)).Span, out pivot, Workers.Shared));
        Assert.InRange(pivot, 5, 9);
    }

    // L = ones on and below the diagonal: L^-1 has 1 on the diagonal and -1 below it, so that differences solve it.
    [Theory]
    [MemberData(nameof(Sizes))]
    public void ATriangleOfOnesIsSolvedByDifferencesExactly(int n)
    {
        var l = new TestMatrix<float>(n, n, 1);
        l.Fill((i, j) => j > i ? float.NaN : 1);
        var random = new Random(n);
        TestMatrix<float> x = new(n, 5, 0), b = new(n, 5, 2), wide = new(5, n, 3);
        x.Fill((_, _) => random.Next(-50, 51));
        b.Fill((i, j) => Enumerable.Range(0, i + 1).Sum(p => x[p, j]));
        TriangularSolve.Left(l.ReadOnly, b.Span, Workers.Shared);
        Assert.Equal(x.ToDouble(), b.ToDouble());
        b.Fill((i, j) => Enumerable.Range(i, n - i).Sum(p => x[p, j]));
        TriangularSolve.Left(l.ReadOnly.Transpose(), b.Span, Workers.Shared);
        Assert.Equal(x.ToDouble(), b.ToDouble());
        wide.Fill((i, j) => Enumerable.Range(j, n - j).Sum(p => x[p, i]));
        TriangularSolve.Right(l.ReadOnly, wide.Span, Workers.Shared);
        Assert.Equal(NumericsReference.Transpose(x.ToDouble()), wide.ToDouble());
    }

    [Fact]
    public void AZeroOnTheDiagonalGivesNoNumbersAndSparesWhatComesBefore()
    {
        var l = new TestMatrix<double>(3, 3, 0);
        l.Fill((i, j) => j > i ? double.NaN : i == 1 && j == 1 ? 0 : 1);
        var b = new TestMatrix<double>(3, 1, 0);
        b.Fill((i, _) => i + 5);
        TriangularSolve.Left(l.ReadOnly, b.Span, Workers.Shared);
        Assert.Equal(5, b[0, 0]);
        Assert.False(double.IsFinite(b[1, 0]) || double.IsFinite(b[2, 0]));
    }

    // Eigenvalues 2 - 2 cos(k pi / (n + 1)), vectors sin(i k pi / (n + 1)).
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(24)]
    [InlineData(97)]
    public void TheSecondDifferenceHasItsKnownEigenvalues(int n)
    {
        var matrix = new double[n * n];
        for (int i = 0; i < n; i++)
        {
            matrix[i * n + i] = 2;
            if (i > 0)
                matrix[i * n + i - 1] = matrix[(i - 1) * n + i] = -1;
        }
        (double[] values, double[] vectors) = SymmetricEigen.Of(matrix, n);
        for (int k = 0; k < n; k++)
        {
            double angle = (n - k) * Math.PI / (n + 1), dot = 0;
            Assert.Equal(2 - 2 * Math.Cos(angle), values[k], 1e-12);
            for (int i = 0; i < n; i++)
                dot += vectors[k * n + i] * Math.Sin((i + 1) * angle) * Math.Sqrt(2.0 / (n + 1));
            Assert.Equal(1, Math.Abs(dot), 1e-10);
        }
    }

    [Fact]
    public void EigenvaluesOfFarApartSizesAndOfZeroAreFound()
    {
        (double[] values, double[] vectors) = SymmetricEigen.Of([1e-12, 0, 0, 0, -1e12, 0, 0, 0, 3], 3);
        Assert.Equal([3, 1e-12, -1e12], values);
        Assert.Equal([0, 0, 1, 1, 0, 0, 0, 1, 0], vectors);
        (values, vectors) = SymmetricEigen.Of(new double[4], 2);
        Assert.Equal([0, 0], values);
        Assert.Equal([1, 0, 0, 1], vectors);
        Assert.Empty(SymmetricEigen.Of([], 0).Values);
    }

    // A diagonal of falling powers, its rows and columns permuted: the singular values are known whatever their ratio.
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(3, 24, 3)]
    [InlineData(24, 3, 2)]
    [InlineData(1000, 24, 5)]
    [InlineData(24, 1000, 5)]
    public void SingularValuesOfAPermutedDiagonalAreItsElements(int rows, int columns, int rank)
    {
        var random = new Random(rows);
        int[] row = [.. Enumerable.Range(0, rows)], column = [.. Enumerable.Range(0, columns)];
        random.Shuffle(row);
        random.Shuffle(column);
        var matrix = new float[rows * columns];
        for (int k = 0; k < Math.Min(rows, columns); k++)
            matrix[row[k] * columns + column[k]] = (k % 2 == 0 ? 1 : -1) * MathF.ScaleB(64, -2 * k);
        TruncatedSvd svd = TruncatedSvd.Of(matrix, rows, columns, rank, Workers.Shared);
        for (int k = 0; k < rank; k++)
        {
            Assert.Equal(Math.ScaleB(64, -2 * k), svd.Values[k], 1e-5 * Math.ScaleB(64, -2 * k));
            float left = svd.Left[k * rows + row[k]], right = svd.Right[k * columns + column[k]];
            Assert.Equal(1, Math.Abs(left), 1e-4);
            Assert.Equal(k % 2 == 0 ? 1 : -1, left * right, 1e-4);
        }
        foreach (int wrong in (int[])[0, Math.Min(rows, columns) + 1])
            Refusal.Of<ArgumentOutOfRangeException>("rank", () => TruncatedSvd.Of(matrix, rows, columns, wrong, Workers.Shared));
        Refusal.Of<ArgumentOutOfRangeException>("matrix.Length", () => TruncatedSvd.Of(matrix.AsSpan(1), rows, columns, 1, Workers.Shared));
    }

    private static double[,] Hilbert(int n)
    {
        double[,] a = new double[n, n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
                a[i, j] = 1.0 / (i + j + 1);
        }
        return a;
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
