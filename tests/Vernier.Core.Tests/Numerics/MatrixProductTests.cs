using System.Numerics;
using System.Runtime.Intrinsics.X86;
using Vernier.Numerics;

namespace Vernier.Tests;

[UsesInstructions]
public class MatrixProductTests
{
    private static readonly ProductUpdate[] s_updates = Enum.GetValues<ProductUpdate>();

    [Fact]
    public void SmallProductsOfEveryShapeAreThoseOfTheReference()
    {
        var random = new Random(1);
        for (int m = 0; m <= 70; m++)
        {
            for (int kind = 0; kind < 12; kind++)
            {
                Check<float>(random, m, random.Next(71), random.Next(71), kind % 4 < 2, kind % 2 == 0, s_updates[kind / 4],
                    random.Next(3) * 3);
                Check<double>(random, m, random.Next(71), random.Next(71), kind % 4 < 2, kind % 2 == 0, s_updates[kind / 4],
                    random.Next(3) * 3);
            }
        }
    }

    [Theory]
    [InlineData(300, 333, 1030)]
    [InlineData(17, 100, 1537)]
    [InlineData(145, 2100, 40)]
    [InlineData(2400, 70, 33)]
    [InlineData(289, 2081, 5)]
    [InlineData(2, 1000, 700)]
    [InlineData(1, 1000, 700)]
    public void LargeProductsAreThoseOfTheReference(int m, int n, int k)
    {
        var random = new Random(m);
        foreach (bool transposeA in (bool[])[false, true])
        {
            foreach (bool transposeB in (bool[])[false, true])
            {
                Check<float>(random, m, n, k, transposeA, transposeB, ProductUpdate.Set, 0);
                Check<float>(random, m, n, k, transposeA, transposeB, ProductUpdate.Subtract, 5);
            }
        }
        Check<double>(random, m, n, k, false, true, ProductUpdate.Add, 1);
    }

    // Every kernel of the machine, also those that are not the first choice.
    [Fact]
    public void EveryKernelGivesTheProductsOfTheReference()
    {
        var random = new Random(2);
        foreach ((int m, int n, int k) in ((int, int, int)[])[(1, 1, 1), (3, 5, 7), (12, 32, 9), (23, 65, 70), (5, 31, 600),
            (310, 130, 40)])
        {
            foreach (ProductKernel<float> kernel in ProductKernels.Single.Where(x => x.IsSupported))
                CheckKernel(kernel, random, m, n, k);
            foreach (ProductKernel<double> kernel in ProductKernels.Double.Where(x => x.IsSupported))
                CheckKernel(kernel, random, m, n, k);
        }
    }

    [Fact]
    public void AKernelIsForcedByItsNameAndOthersAreRefused()
    {
        Assert.Equal("scalar", ProductKernels.Choose(ProductKernels.Double, "scalar").Name);
        Assert.Equal(ProductKernels.Single.First(kernel => kernel.IsSupported), ProductKernels.Choose(ProductKernels.Single, ""));
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(
            () => ProductKernels.Choose(ProductKernels.Single, "mmx"));
        Assert.Equal(
            $"VERNIER_PRODUCT_KERNEL=mmx: there is no such kernel. There are: "
                + $"{string.Join(", ", ProductKernels.Single.Where(kernel => kernel.IsSupported).Select(kernel => kernel.Name))}.",
            error.Message);
        foreach (ProductKernel<float> kernel in ProductKernels.Single.Where(kernel => !kernel.IsSupported))
            Assert.Contains("does not have its instructions",
                Assert.Throws<InvalidOperationException>(() => ProductKernels.Choose(ProductKernels.Single, kernel.Name)).Message,
                StringComparison.Ordinal);
    }

    [Fact]
    public void TheWidestKernelIsTaken()
    {
        if (Environment.GetEnvironmentVariable(ProductKernels.Variable) is not null)
            return;
        string expected = Avx512F.IsSupported && System.Runtime.Intrinsics.Vector512.IsHardwareAccelerated ? "avx512"
            : Fma.IsSupported ? "fma"
            : System.Runtime.Intrinsics.Arm.AdvSimd.Arm64.IsSupported ? "neon"
            : System.Runtime.Intrinsics.Vector128.IsHardwareAccelerated ? "vector128"
            : "scalar";
        Assert.Equal(expected, ProductKernels.SelectedSingle.Name);
        Assert.Equal(expected, ProductKernels.SelectedDouble.Name);
    }

    [Fact]
    public void NotANumberAndInfinitySpreadToTheirRowAndColumnAlone()
    {
        var random = new Random(3);
        foreach ((int m, int n, int k) in ((int, int, int)[])[(5, 40, 20), (301, 70, 600)])
        {
            TestMatrix<float> a = TestMatrix<float>.Random(random, m, k), b = TestMatrix<float>.Random(random, n, k), c = new(m, n, 0);
            a[m - 2, k - 1] = float.NaN;
            b[n - 3, 0] = float.PositiveInfinity;
            MatrixProduct.Multiply(a.ReadOnly, b.ReadOnly.Transpose(), c.Span, ProductUpdate.Set, Workers.Shared);
            for (int i = 0; i < m; i++)
            {
                for (int j = 0; j < n; j++)
                {
                    bool finite = i != m - 2 && j != n - 3;
                    Assert.True(float.IsFinite(c[i, j]) == finite && (i == m - 2) == float.IsNaN(c[i, j]), $"{i} {j} {c[i, j]}");
                }
            }
        }
    }

    // A row must not depend on how many rows it is multiplied together with, from two rows on.
    [Fact]
    public void ARowDoesNotDependOnItsNeighbours()
    {
        var random = new Random(4);
        TestMatrix<float> a = TestMatrix<float>.Random(random, 310, 700), b = TestMatrix<float>.Random(random, 95, 700),
            all = new(310, 95, 0);
        MatrixProduct.Multiply(a.ReadOnly, b.ReadOnly.Transpose(), all.Span, ProductUpdate.Set, Workers.Shared);
        foreach (int rows in (int[])[2, 3, 4, 5, 8, 11, 12, 13, 24, 100, 288, 289])
        {
            var some = new TestMatrix<float>(rows, 95, 0);
            MatrixProduct.Multiply(a.ReadOnly.Slice(0, 0, rows, 700), b.ReadOnly.Transpose(), some.Span, ProductUpdate.Set, Workers.Shared);
            Assert.Equal(all.Data[..(rows * 95)], some.Data);
        }
    }

    [Fact]
    public void ShapesThatDoNotFitAreRefused()
    {
        float[] data = new float[24];
        Refusal.Of<ArgumentException>("2 x 3 and 4 x 3 does not fit into 2 x 4", () => MatrixProduct.Multiply(
            new ReadOnlyMatrixSpan<float>(data, 2, 3), new ReadOnlyMatrixSpan<float>(data, 4, 3), new MatrixSpan<float>(data, 2, 4),
            ProductUpdate.Set, Workers.Shared));
        Refusal.Of<ArgumentException>("1 x 3 and 2 x 4 does not fit into 1 x 4", () => MatrixProduct.Multiply(
            new ReadOnlyMatrixSpan<float>(data, 1, 3), new ReadOnlyMatrixSpan<float>(data, 4, 2).Transpose(),
            new MatrixSpan<float>(data, 1, 4), ProductUpdate.Set, Workers.Shared));
        Refusal.Of<ArgumentOutOfRangeException>("length", () => new MatrixSpan<float>(data, 5, 5).Rows);
        Refusal.Of<ArgumentOutOfRangeException>("stride", () => new MatrixSpan<float>(data, 2, 5, 4).Rows);
        Refusal.Of<ArgumentOutOfRangeException>("rows", () => new ReadOnlyMatrixSpan<float>(data, -1, 5).Rows);
        Refusal.Of<ArgumentOutOfRangeException>("rows", () => new MatrixSpan<float>(data, 4, 6).Slice(3, 0, 2, 6));
        Refusal.Of<ArgumentOutOfRangeException>("(uint)index", () => new MatrixSpan<float>(data, 4, 6)[4, 0]);
        Refusal.Of<ArgumentOutOfRangeException>("length",
            () => MatrixProduct.MultiplyTransposed(data, data, data, 5, 5, 5, Workers.Shared));
    }

    private static void Check<T>(Random random, int m, int n, int k, bool transposeA, bool transposeB, ProductUpdate update, int gap)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        TestMatrix<T> a = transposeA ? TestMatrix<T>.Random(random, k, m, gap) : TestMatrix<T>.Random(random, m, k, gap);
        TestMatrix<T> b = transposeB ? TestMatrix<T>.Random(random, n, k, gap) : TestMatrix<T>.Random(random, k, n, gap);
        TestMatrix<T> c = TestMatrix<T>.Random(random, m, n, gap);
        double[,] expected = NumericsReference.Multiply(
            transposeA ? NumericsReference.Transpose(a.ToDouble()) : a.ToDouble(), transposeB ? NumericsReference.Transpose(b.ToDouble())
                : b.ToDouble());
        double[,] before = c.ToDouble();
        for (int i = 0; i < m; i++)
        {
            for (int j = 0; j < n; j++)
                expected[i, j] = update switch { ProductUpdate.Set =>
                    expected[i, j], ProductUpdate.Add => before[i, j] + expected[i, j], _ => before[i, j] - expected[i, j] };
        }
        if (update == ProductUpdate.Set)
            c.Fill((_, _) => T.NaN);
        ReadOnlyMatrixSpan<T> left = transposeA ? a.ReadOnly.Transpose() : a.ReadOnly, right = transposeB ? b.ReadOnly.Transpose()
            : b.ReadOnly;
        Multiply(left, right, c.Span, update);
        Matrices.AssertClose(expected, c.ToDouble(), Matrices.Tolerance<T>(k),
            $"{m} x {n} x {k} {transposeA} {transposeB} {update} {typeof(T).Name}");
        c.AssertGapsKept();
    }

    private static void Multiply<T>(ReadOnlyMatrixSpan<T> a, ReadOnlyMatrixSpan<T> b, MatrixSpan<T> c, ProductUpdate update)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        // Through the public entry, which takes a path of its own for one row.
        if (typeof(T) == typeof(float))
            MatrixProduct.Multiply(As<T, float>(a), As<T, float>(b),
                new MatrixSpan<float>(System.Runtime.InteropServices.MemoryMarshal.Cast<T, float>(c.Data), c.Rows, c.Columns, c.Stride),
                update, Workers.Shared);
        else
            MatrixProduct.MultiplyBlocked(a, b, c, update, Workers.Shared);
    }

    private static ReadOnlyMatrixSpan<TTo> As<TFrom, TTo>(ReadOnlyMatrixSpan<TFrom> x)
        where TFrom : unmanaged
        where TTo : unmanaged
    {
        ReadOnlySpan<TTo> data = System.Runtime.InteropServices.MemoryMarshal.Cast<TFrom, TTo>(x.Data);
        return x.IsTransposed ? new ReadOnlyMatrixSpan<TTo>(data, x.Columns, x.Rows, x.Stride).Transpose()
            : new ReadOnlyMatrixSpan<TTo>(data, x.Rows, x.Columns, x.Stride);
    }

    private static unsafe void CheckKernel<T>(ProductKernel<T> kernel, Random random, int m, int n, int k)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        TestMatrix<T> a = TestMatrix<T>.Random(random, m, k, 1), b = TestMatrix<T>.Random(random, k, n, 2), c = new(m, n, 3);
        fixed (T* pa = a.Data, pb = b.Data, pc = c.Data)
            kernel.Run(new ProductTask<T>(MatrixProduct.Operand(pa, a.Stride, false), MatrixProduct.Operand(pb, b.Stride, true), m, n, k) {
                Workers = Workers.Shared, Result = pc, Stride = c.Stride });
        Matrices.AssertClose(NumericsReference.Multiply(a.ToDouble(), b.ToDouble()), c.ToDouble(), Matrices.Tolerance<T>(k),
            $"{kernel.Name} {typeof(T).Name} {m} x {n} x {k}");
        c.AssertGapsKept();
    }
}
