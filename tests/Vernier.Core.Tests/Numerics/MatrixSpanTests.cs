using Vernier.Numerics;

namespace Vernier.Tests;

/// <summary>Views of matrices: blocks, transposed, without rows or columns.</summary>
public class MatrixSpanTests
{
    public static TheoryData<int, int, int> Shapes => new() { { 1, 1, 0 }, { 1, 7, 3 }, { 7, 1, 2 }, { 24, 7, 0 }, { 7, 24, 9 } };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void ABlockOfABlockIsTheBlockOfTheWhole(int rows, int columns, int gap)
    {
        TestMatrix<double> matrix = Numbered(rows, columns, gap);
        for (int row = 0; row <= rows; row++)
        {
            for (int column = 0; column <= columns; column++)
            {
                int height = (rows - row + 1) / 2, width = (columns - column + 1) / 2;
                MatrixSpan<double> block = matrix.Span.Slice(row, column, height, width);
                ReadOnlyMatrixSpan<double> read = matrix.ReadOnly.Slice(row, column, height, width),
                    turned = matrix.ReadOnly.Transpose().Slice(column, row, width, height);
                Assert.Equal((height, width), (block.Rows, block.Columns));
                Assert.Equal((width, height, true), (turned.Rows, turned.Columns, turned.IsTransposed));
                for (int i = 0; i < height; i++)
                {
                    Assert.Equal(width, block.Row(i).Length);
                    for (int j = 0; j < width; j++)
                    {
                        double expected = matrix[row + i, column + j];
                        Assert.Equal((expected, expected, expected), (block[i, j], read[i, j], turned[j, i]));
                        Assert.Equal(expected, turned.Transpose()[i, j]);
                    }
                }
            }
        }
    }

    [Theory]
    [InlineData(3, 0, 0)]
    [InlineData(3, 0, 4)]
    [InlineData(0, 5, 5)]
    [InlineData(0, 0, 9)]
    public void ViewsWithoutElementsHaveRowsAllTheSame(int rows, int columns, int stride)
    {
        var view = new MatrixSpan<float>([], rows, columns, stride);
        for (int i = 0; i < rows; i++)
            Assert.True(view.Row(i).IsEmpty);
        Refusal.Of<ArgumentOutOfRangeException>("index", () => new MatrixSpan<float>([], rows, columns, stride).Row(rows).Length);
    }

    [Fact]
    public void ABlockWithoutColumnsHasRows()
    {
        MatrixSpan<double> block = Numbered(5, 4, 2).Span.Slice(1, 4, 4, 0);
        for (int i = 0; i < 4; i++)
            Assert.True(block.Row(i).IsEmpty);
    }

    [Theory]
    [InlineData(-1, 0, 1, 1, "row")]
    [InlineData(0, -1, 1, 1, "column")]
    [InlineData(0, 0, -1, 1, "rows")]
    [InlineData(0, 0, 1, -1, "columns")]
    [InlineData(3, 0, 3, 1, "rows")]
    [InlineData(0, 2, 1, 3, "columns")]
    [InlineData(int.MaxValue, 0, int.MaxValue, 1, "rows")]
    [InlineData(6, 0, 0, 0, "rows")]
    public void ABlockOutsideIsRefused(int row, int column, int rows, int columns, string what)
    {
        float[] data = new float[20];
        Refusal.Of<ArgumentOutOfRangeException>(what, () => _ = new MatrixSpan<float>(data, 5, 4).Slice(row, column, rows, columns).Rows);
        Refusal.Of<ArgumentOutOfRangeException>(
            what, () => _ = new ReadOnlyMatrixSpan<float>(data, 5, 4).Slice(row, column, rows, columns).Rows);
        Refusal.Of<ArgumentOutOfRangeException>(
            what, () => _ = new ReadOnlyMatrixSpan<float>(data, 4, 5).Transpose().Slice(row, column, rows, columns).Rows);
    }

    [Fact]
    public void AnElementOutsideIsRefusedInEitherDirection()
    {
        float[] data = new float[12];
        Refusal.Of<ArgumentOutOfRangeException>("row", () => new ReadOnlyMatrixSpan<float>(data, 3, 4)[3, 0]);
        Refusal.Of<ArgumentOutOfRangeException>("column", () => new ReadOnlyMatrixSpan<float>(data, 3, 4)[0, 4]);
        Refusal.Of<ArgumentOutOfRangeException>("row", () => new ReadOnlyMatrixSpan<float>(data, 3, 4).Transpose()[4, 0]);
        Refusal.Of<ArgumentOutOfRangeException>("column", () => new ReadOnlyMatrixSpan<float>(data, 3, 4).Transpose()[0, -1]);
    }

    /// <summary>One row by the rows of a matrix, which has a way of its own.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 24)]
    [InlineData(1000, 1)]
    [InlineData(1408, 7)]
    [InlineData(24, 1408)]
    [InlineData(300, 1000)]
    public void OneRowIsTheRowOfTheWholeProduct(int n, int k)
    {
        var random = new Random(n);
        TestMatrix<float> a = TestMatrix<float>.Random(random, 3, k), b = TestMatrix<float>.Random(random, n, k);
        float[] alone = new float[n + 2], whole = new float[3 * n];
        Array.Fill(alone, -7);
        MatrixProduct.MultiplyTransposed(a.Data.AsSpan(k, k), b.Data, alone.AsSpan(1, n), 1, n, k, Workers.Shared);
        MatrixProduct.MultiplyTransposed(a.Data, b.Data, whole, 3, n, k, Workers.Shared);
        Assert.Equal((-7, -7), (alone[0], alone[^1]));
        for (int j = 0; j < n; j++)
            Assert.Equal(whole[n + j], alone[1 + j], Matrices.Tolerance<float>(k));
        using var one = new Workers(1);
        var single = new float[n];
        MatrixProduct.MultiplyTransposed(a.Data.AsSpan(k, k), b.Data, single, 1, n, k, one);
        Assert.Equal(single, alone[1..^1]);
        // NaN and infinities reach their own row alone.
        (b[0, 0], b[n - 1, k / 2]) = (float.PositiveInfinity, float.NaN);
        a[1, 0] = 1;
        MatrixProduct.MultiplyTransposed(a.Data.AsSpan(k, k), b.Data, single, 1, n, k, Workers.Shared);
        Assert.True(float.IsNaN(single[n - 1]));
        Assert.True(n == 1 || float.IsPositiveInfinity(single[0]));
        Assert.All(single[Math.Min(1, n - 1)..(n - 1)], x => Assert.True(float.IsFinite(x)));
    }

    private static TestMatrix<double> Numbered(int rows, int columns, int gap)
    {
        var matrix = new TestMatrix<double>(rows, columns, gap);
        matrix.Fill((i, j) => 1000 * i + j);
        return matrix;
    }
}
