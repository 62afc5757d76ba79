using Vernier.Numerics;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Networks;

namespace Vernier.Tests.Calibration;

/// <summary>What looks at the inputs of layers.</summary>
public class ObserverTests
{
    private const int Columns = 6, Rows = 40;

    private static readonly LayerGroup s_group = new(0, 0, [new LayerShape("a", 3, Columns), new LayerShape("b", 4, Columns)]);
    private static readonly float[] s_x = TinyModel.Gaussian(Rows * Columns, 1, 1), s_y = TinyModel.Gaussian(Rows * Columns, 2, 1);

    [Fact]
    public void RowsThatComeInTheSameOrderArePairedAsTheyCome()
    {
        var observer = new CrossObserver(Columns);
        var direct = new CrossGram(Columns, Workers.Shared);
        foreach ((int first, int count) in ((int, int)[])[(0, 25), (25, 15)])
        {
            observer.BeginBatch();
            int[] rows = [.. Enumerable.Range(first, count)];
            Show(observer.Reference, s_y, rows[..10]);
            Show(observer.Reference, s_y, rows[10..]);
            Show(observer, s_x, rows[..4]);
            Show(observer, s_x, rows[4..]);
            direct.Add(s_y.AsSpan(first * Columns, 4 * Columns), s_x.AsSpan(first * Columns, 4 * Columns), 4);
            direct.Add(s_y.AsSpan((first + 4) * Columns, (count - 4) * Columns), s_x.AsSpan((first + 4) * Columns, (count - 4) * Columns),
                count - 4);
        }
        Assert.Equal(direct.Sums, observer.Cross.Sums);
    }

    /// <summary>As of an expert, to which two networks send different tokens.</summary>
    [Fact]
    public void RowsThatAreRoutedDifferentlyArePairedBySample()
    {
        int[] there = [3, 4, 9, 0, 17, 39], here = [0, 1, 3, 9, 20, 39, 4];
        var observer = new CrossObserver(Columns);
        observer.BeginBatch();
        Show(observer.Reference, s_y, there);
        Show(observer, s_x, here[..3]);
        Show(observer, s_x, here[3..]);
        var expected = new double[Columns * Columns];
        foreach (int row in there.Intersect(here))
        {
            for (int i = 0; i < expected.Length; i++)
                expected[i] += ((double)s_y[row * Columns + i / Columns] - s_x[row * Columns + i / Columns])
                    * s_x[row * Columns + i % Columns];
        }
        Assert.Equal(expected.Length, observer.Cross.Sums.Length);
        Assert.All(expected.Zip(observer.Cross.Sums), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
    }

    [Fact]
    public void RowsOfAnEarlierBatchAreForgotten()
    {
        var observer = new CrossObserver(Columns);
        observer.BeginBatch();
        Show(observer.Reference, s_y, [1, 2]);
        observer.BeginBatch();
        Show(observer.Reference, s_y, [5]);
        Show(observer, s_x, [1, 2]);
        Assert.All(observer.Cross.Sums, value => Assert.Equal(0, value));
    }

    [Fact]
    public void SamplesAreKeptAtEvenDistances()
    {
        var sample = new SampleObserver(Rows, 7);
        Show(sample, s_x, [.. Enumerable.Range(0, 11)]);
        Show(sample, s_x, [.. Enumerable.Range(11, Rows - 11)]);
        Assert.Equal(((int[])[0, 6, 12, 18, 24, 30, 36]).SelectMany(row => s_x.Skip(row * Columns).Take(Columns)), sample.ToArray());
    }

    [Fact]
    public void RangesAreThoseOfAllRows()
    {
        var observer = new RangeObserver();
        Show(observer, s_x, [.. Enumerable.Range(0, 11)]);
        Show(observer, s_x, [.. Enumerable.Range(11, Rows - 11)]);
        ActivationRange range = observer.Ranges["a"];
        Assert.Same(range, observer.Ranges["b"]);
        Assert.Equal(Rows, range.Rows);
        for (int column = 0; column < Columns; column++)
        {
            float[] values = [.. Enumerable.Range(0, Rows).Select(row => s_x[row * Columns + column])];
            Assert.Equal((values.Min(), values.Max()), (range.ChannelMinimum[column], range.ChannelMaximum[column]));
        }
        Assert.Equal((s_x.Min(), s_x.Max(), s_x.Max(Math.Abs)), (range.Minimum, range.Maximum, range.Magnitude));
    }

    [Fact]
    public void AGroupHasOneInput()
    {
        Assert.Contains("one input", Assert.Throws<ArgumentException>(
            () => new LayerGroup(0, 0, [new LayerShape("a", 3, 4), new LayerShape("b", 3, 5)])).Message, StringComparison.Ordinal);
        Assert.Contains("2 rows of 6", Assert.Throws<ArgumentException>(
            () => new GroupInput(s_group, new float[11], new SampleId[2]).Rows).Message, StringComparison.Ordinal);
    }

    private static void Show(IActivationObserver observer, float[] values, int[] rows)
    {
        float[] shown = [.. rows.SelectMany(row => values.Skip(row * Columns).Take(Columns))];
        observer.Observe(new GroupInput(s_group, shown, Array.ConvertAll(rows, row => new SampleId(row / 8, row % 8))));
    }
}
