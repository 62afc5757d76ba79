using Vernier.Numerics;

namespace Vernier.Tests;

[UsesInstructions]
public class SymmetricProductTests
{
    [Fact]
    public void SmallUpdatesOfEverySizeAreThoseOfTheReference()
    {
        var random = new Random(1);
        for (int size = 0; size <= 70; size++)
        {
            foreach (ProductUpdate update in Enum.GetValues<ProductUpdate>())
                Check(random, size, random.Next(71), random.Next(2) * 5, update);
        }
    }

    [Theory]
    [InlineData(333, 1100)]
    [InlineData(150, 5)]
    [InlineData(2350, 7)]
    public void LargeUpdatesAreThoseOfTheReference(int size, int samples) => Check(new Random(2), size, samples, 3, ProductUpdate.Add);

    [Fact]
    public void AMatrixInDoublePrecisionGathersEveryBlock()
    {
        var random = new Random(3);
        foreach ((int size, int samples) in ((int, int)[])[(0, 5), (1, 1), (13, 0), (33, 70), (70, 2000), (150, 600)])
        {
            TestMatrix<float> x = TestMatrix<float>.Random(random, samples, size, 2);
            var h = new TestMatrix<double>(size, size, 1);
            h.Fill((i, j) => j <= i ? 1 : -7);
            SymmetricProduct.Update(x.ReadOnly, h.Span, Workers.Shared);
            double[,] expected = NumericsReference.Multiply(NumericsReference.Transpose(x.ToDouble()), x.ToDouble());
            for (int i = 0; i < size; i++)
            {
                for (int j = 0; j < size; j++)
                    expected[i, j] = j <= i ? 1 + expected[i, j] : -7;
            }
            Matrices.AssertClose(expected, h.ToDouble(), Tolerance(samples), $"{size} {samples}");
            h.AssertGapsKept();
        }
    }

    // Sums in single precision stop growing when a term is less than half a unit in the last place; sums in double do not.
    [Fact]
    public void ManyUpdatesDoNotWearOutAMatrixInDoublePrecision()
    {
        var x = new TestMatrix<float>(8, 3, 0);
        x.Fill((_, _) => 1);
        var h = new TestMatrix<double>(3, 3, 0);
        h.Fill((_, _) => 1e9);
        for (int i = 0; i < 1000; i++)
            SymmetricProduct.Update(x.ReadOnly, h.Span, Workers.Shared);
        Assert.Equal(1e9 + 8000, h[2, 1]);
    }

    [Fact]
    public void MirrorCompletesTheUpperTriangle()
    {
        foreach (int size in (int[])[0, 1, 2, 31, 32, 33, 70, 200])
        {
            var h = new TestMatrix<float>(size, size, 3);
            h.Fill((i, j) => j <= i ? (i * 1000) + j : -1);
            SymmetricProduct.Mirror(h.Span, Workers.Shared);
            for (int i = 0; i < size; i++)
            {
                for (int j = 0; j < size; j++)
                    Assert.Equal((Math.Max(i, j) * 1000) + Math.Min(i, j), h[i, j]);
            }
            h.AssertGapsKept();
        }
    }

    [Fact]
    public void ShapesThatDoNotFitAreRefused()
    {
        float[] data = new float[24];
        Refusal.Of<ArgumentException>("2 samples of 3 does not fit into 2 x 2", () => SymmetricProduct.Update(
            new ReadOnlyMatrixSpan<float>(data, 2, 3), new MatrixSpan<float>(data, 2, 2), ProductUpdate.Add, Workers.Shared));
        Refusal.Of<ArgumentException>("2 samples of 3 does not fit into 3 x 2", () => SymmetricProduct.Update(
            new ReadOnlyMatrixSpan<float>(data, 2, 3), new MatrixSpan<double>(new double[6], 3, 2), Workers.Shared));
        Refusal.Of<ArgumentException>("2 x 3 has no mirror image",
            () => SymmetricProduct.Mirror(new MatrixSpan<float>(data, 2, 3), Workers.Shared));
    }

    // Sums of squares grow with every term, and each addition rounds the sum so far, while sums of either sign stay small.
    private static double Tolerance(int samples) => 4 * Matrices.Tolerance<float>(samples);

    private static void Check(Random random, int size, int samples, int gap, ProductUpdate update)
    {
        bool sampleIsColumn = random.Next(2) == 0;
        TestMatrix<float> x = sampleIsColumn ? TestMatrix<float>.Random(random, size, samples, gap)
            : TestMatrix<float>.Random(random, samples, size, gap);
        TestMatrix<float> h = TestMatrix<float>.Random(random, size, size, gap);
        double[,] values = sampleIsColumn ? NumericsReference.Transpose(x.ToDouble()) : x.ToDouble(), before = h.ToDouble();
        double[,] expected = NumericsReference.Multiply(NumericsReference.Transpose(values), values);
        for (int i = 0; i < size; i++)
        {
            for (int j = 0; j < size; j++)
            {
                double product = expected[i, j];
                expected[i, j] = j > i ? before[i, j] : update
                    switch { ProductUpdate.Set => product, ProductUpdate.Add => before[i, j] + product, _ => before[i, j] - product };
            }
        }
        SymmetricProduct.Update(sampleIsColumn ? x.ReadOnly.Transpose() : x.ReadOnly, h.Span, update, Workers.Shared);
        Matrices.AssertClose(expected, h.ToDouble(), Tolerance(samples), $"{size} {samples} {update}");
        h.AssertGapsKept();
    }
}
