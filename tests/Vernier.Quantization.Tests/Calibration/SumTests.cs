using Vernier.Numerics;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Networks;

namespace Vernier.Tests.Calibration;

/// <summary>Sums over tokens against plain ones in double precision.</summary>
public class SumTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 700)]
    [InlineData(7, 3)]
    [InlineData(24, 511)]
    [InlineData(24, 512)]
    [InlineData(33, 513)]
    [InlineData(97, 1100)]
    [InlineData(130, 5)]
    public void TheGramMatrixIsTheSumOfOuterProducts(int columns, int rows)
    {
        float[] x = TinyModel.Gaussian(rows * columns, columns, 1);
        double[][] sums = [.. ((int[])[1, 2, 3]).Select(threads =>
        {
            using var workers = new Workers(threads);
            var gram = new GramMatrix(columns, workers);
            gram.Add(x, rows);
            Assert.Equal((columns, rows), (gram.Columns, gram.Samples));
            return (double[])[.. gram.ToSymmetric()];
        })];
        Assert.Equal(sums[0], sums[1]);
        Assert.Equal(sums[0], sums[2]);
        CheckSums(columns, sums[0], (i, j) => Enumerable.Range(0, rows)
            .Select(row => (double)x[row * columns + i] * x[row * columns + j]));
    }

    [Theory]
    [InlineData(1, 600)]
    [InlineData(7, 1)]
    [InlineData(24, 513)]
    [InlineData(65, 1025)]
    public void TheCrossGramMatrixIsTheSumOfDifferencesTimesInputs(int columns, int rows)
    {
        float[] x = TinyModel.Gaussian(rows * columns, 1, 1), y = TinyModel.Gaussian(rows * columns, 2, 1);
        double[][] sums = [.. ((int[])[1, 3]).Select(threads =>
        {
            using var workers = new Workers(threads);
            var cross = new CrossGram(columns, workers);
            cross.Add(y, x, rows);
            return cross.Sums;
        })];
        Assert.Equal(sums[0], sums[1]);
        CheckSums(columns, sums[0], (i, j) => Enumerable.Range(0, rows)
            .Select(row => ((double)y[row * columns + i] - x[row * columns + i]) * x[row * columns + j]));
    }

    [Fact]
    public void NothingIsAddedWhereThereAreNoTokens()
    {
        var gram = new GramMatrix(3);
        gram.Add([], 0);
        Assert.Equal((0, 0.0), (gram.Samples, gram.ToSymmetric().Sum()));
        Assert.Equal("columns", Assert.Throws<ArgumentOutOfRangeException>(() => new GramMatrix(0)).ParamName);
        Assert.Contains("x", Assert.Throws<ArgumentOutOfRangeException>(() => gram.Add(new float[5], 2)).ParamName!,
            StringComparison.Ordinal);
    }

    /// <summary>A channel counts as not finite from then on; the others keep their sums.</summary>
    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void AChannelThatWasNotFiniteOnceIsKnownForGood(float bad)
    {
        var gram = new GramMatrix(5);
        gram.Add([1, 2, 3, 4, 5, 1, 2, bad, 4, 5], 2);
        gram.Add([1, 1, 1, 1, 1], 1);
        Assert.Equal([2], gram.NotFinite);
        double[] sums = gram.ToSymmetric();
        foreach (int i in (int[])[0, 1, 3, 4])
            Assert.Equal(2.0 * (i + 1) * (i + 1) + 1, sums[i * 5 + i]);
    }

    /// <summary>Large finite inputs, whose sum of magnitudes is no finite number, are finite still.</summary>
    [Fact]
    public void LargeInputsAreFinite()
    {
        var gram = new GramMatrix(2);
        gram.Add([3e38f, 1, 3e38f, 1], 2);
        Assert.Empty(gram.NotFinite);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(10, 3)]
    [InlineData(10, 10)]
    [InlineData(10, 100)]
    [InlineData(11, 10)]
    [InlineData(1000, 7)]
    public void SamplesAreSpreadAndNoMoreThanAsked(int rows, int count)
    {
        var group = new LayerGroup(0, 0, [new LayerShape("a", 1, 1)]);
        var sample = new SampleObserver(rows, count);
        for (int row = 0; row < rows; row++)
            sample.Observe(new GroupInput(group, [row], [new SampleId(0, row)]));
        float[] kept = sample.ToArray();
        Assert.InRange(kept.Length, (Math.Min(rows, count) + 1) / 2, count);
        Assert.Equal(0, kept[0]);
        Assert.True(kept.Length < 3 || kept.Zip(kept.Skip(1), (a, b) => b - a).Distinct().Count() == 1);
    }

    [Fact]
    public void ARangeWithoutRowsIsEmptyAndOneWithNaNIsNaN()
    {
        var group = new LayerGroup(0, 0, [new LayerShape("a", 1, 2)]);
        var observer = new RangeObserver();
        observer.Observe(new GroupInput(group, [], []));
        ActivationRange range = observer.Ranges["a"];
        Assert.Equal((0, float.PositiveInfinity, float.NegativeInfinity), (range.Rows, range.Minimum, range.Maximum));
        observer.Observe(new GroupInput(group, [-3, 1, 2, 0.5f], [new SampleId(0, 0), new SampleId(0, 1)]));
        Assert.Equal((2, -3f, 2f, 3f), (range.Rows, range.Minimum, range.Maximum, range.Magnitude));
        observer.Observe(new GroupInput(group, [0, float.NaN], [new SampleId(0, 2)]));
        Assert.Equal((-3f, 2f), (range.ChannelMinimum[0], range.ChannelMaximum[0]));
        Assert.True(float.IsNaN(range.ChannelMinimum[1]) && float.IsNaN(range.Minimum) && float.IsNaN(range.Magnitude));
    }

    private static void CheckSums(int columns, double[] sums, Func<int, int, IEnumerable<double>> terms)
    {
        Assert.Equal(columns * columns, sums.Length);
        for (int i = 0; i < columns; i += Math.Max(1, columns / 9))
        {
            for (int j = 0; j < columns; j++)
            {
                double expected = 0, size = 0;
                foreach (double term in terms(i, j))
                {
                    expected += term;
                    size += Math.Abs(term);
                }
                Assert.Equal(expected, sums[i * columns + j], 1e-5 * size + 1e-12);
            }
        }
    }
}
