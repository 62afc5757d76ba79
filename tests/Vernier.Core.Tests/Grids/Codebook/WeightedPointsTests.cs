using Vernier.Grids.Codebook;

namespace Vernier.Tests.Grids;

/// <summary>Lloyd's iterations and cube root quantiles of points on a line, against the plainest way to do them.</summary>
public class WeightedPointsTests
{
    public static TheoryData<int, int, int> Sizes => new()
    {
        { 1, 4, 1 }, { 2, 4, 2 }, { 7, 2, 3 }, { 24, 8, 4 }, { 1000, 4, 5 }, { 1000, 16, 6 }, { 1408, 256, 7 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void NoFurtherStepLowersTheError(int points, int numbers, int seed)
    {
        (double[] values, double[] counts) = Points(points, seed);
        var set = new WeightedPoints([.. values], [.. counts]);
        double[] found = [.. Enumerable.Range(0, numbers).Select(i => -1 + 2.0 * i / numbers)];
        double before = Error(values, counts, found);
        for (int round = 0; round < 12; round++)
        {
            found = set.Improve(found, 1);
            double after = Error(values, counts, found);
            Assert.True(after <= before * (1 + 1e-9) + 1e-15, $"{after} after {before}");
            before = after;
        }
        double[] final = set.Improve(found, 10_000);
        Assert.Equal(final, set.Improve(final, 1));
        for (int i = 0; i < numbers; i++)
        {
            int[] own = [.. Enumerable.Range(0, points).Where(p => Nearest(final, values[p]) == i)];
            double count = own.Sum(p => counts[p]);
            if (count > 0)
                Assert.Equal(own.Sum(p => counts[p] * values[p]) / count, final[i], 1e-6);
        }
    }

    [Fact]
    public void PointsThatDoNotCountMoveNothing()
    {
        var set = new WeightedPoints([5, -3, 1, 2], [0, 0, 4, 12]);
        Assert.Equal([-3, 1.75], set.Improve([-3, 1.5], 50));
        Assert.Equal([0, 9], new WeightedPoints([1, 2], [0, 0]).Improve([9, 0], 5));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(16)]
    [InlineData(256)]
    public void QuantilesOfEvenPointsAreEven(int count)
    {
        const int Points = 1 << 16;
        double[] values = [.. Enumerable.Range(0, Points).Select(i => (i + 0.5) / Points)];
        double[] quantiles = new WeightedPoints(values, [.. Enumerable.Repeat(1.0, Points)]).CubeRootQuantiles(count);
        for (int i = 0; i < count; i++)
            Assert.Equal((i + 0.5) / count, quantiles[i], 1e-3);
    }

    [Fact]
    public void QuantilesFollowTheCubeRootOfTheDensity()
    {
        // Eight times as dense below 0 as above: two thirds of the numbers lie below.
        const int Points = 1 << 15;
        double[] values = [.. Enumerable.Range(0, Points).Select(i => -(i + 0.5) / Points), .. Enumerable.Range(0, Points).Select(
            i => (i + 0.5) / Points)];
        double[] counts = [.. Enumerable.Range(0, 2 * Points).Select(i => i < Points ? 8.0 : 1)];
        double[] quantiles = new WeightedPoints(values, counts).CubeRootQuantiles(30);
        Assert.Equal(20, quantiles.Count(number => number < 0));
        Assert.Equal(quantiles.Order(), quantiles);
        Assert.Equal([0.25, 0.25], new WeightedPoints([0.25], [3]).CubeRootQuantiles(2));
    }

    private static (double[] Values, double[] Counts) Points(int count, int seed)
    {
        var random = new Random(seed);
        double[] values = [.. Enumerable.Range(0, count).Select(_ => Math.Pow(random.NextDouble() * 2 - 1, 3))];
        double[] counts = [.. Enumerable.Range(0, count).Select(_ => random.Next(5) == 0 ? 0 : random.NextDouble())];
        counts[0] = 1;
        return (values, counts);
    }

    private static int Nearest(double[] numbers, double value)
    {
        int best = 0;
        for (int i = 1; i < numbers.Length; i++)
        {
            if (value > (numbers[i - 1] + numbers[i]) / 2)
                best = i;
        }
        return best;
    }

    private static double Error(double[] values, double[] counts, double[] numbers) =>
        values.Select((value, p) => counts[p] * numbers.Min(number => (value - number) * (value - number))).Sum();
}
