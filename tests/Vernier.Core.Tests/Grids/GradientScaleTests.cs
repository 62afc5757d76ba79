using Vernier.Grids;
using Vernier.Grids.Uniform;
using Vernier.Levels;

namespace Vernier.Tests.Grids;

public class GradientScaleTests
{
    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(8)]
    public void TheErrorNeverExceedsThatOfTheLargestWeightAndComesNearTheBest(int bits)
    {
        var random = new Random(bits);
        LevelTable table = UniformGrid.Create(bits, LevelLayout.Symmetric);
        double all = 0, searched = 0;
        for (int trial = 0; trial < 100; trial++)
        {
            float[] weights = [.. Enumerable.Range(0, 1 + random.Next(300))
                .Select(_ => (float)((random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5)
                * Math.ScaleB(1, -trial % 9)))];
            var codes = new byte[weights.Length];
            FittedGranule fitted = new GradientScale(100, 0.01).Fit(weights, [], [table], codes),
                first = new LargestScale().Fit(weights, [], [table], []);
            Assert.True(fitted.Error <= first.Error * 1.0000001);
            double error = weights.Zip(codes, (w, code) => Math.Pow(w - (double)(float)fitted.Scale * table.Values[code], 2)).Sum();
            Assert.Equal(error, fitted.Error, 1e-6 * weights.Sum(w => w * w));
            all += fitted.Error;
            searched += new ScaleSearch().Fit(weights, [], [table], []).Error;
        }
        Assert.InRange(all, searched * 0.9, searched * 1.25);
    }

    [Fact]
    public void OneStepIsTheFirstOfAdamAlongTheGradient()
    {
        LevelTable table = UniformGrid.Create(4, LevelLayout.Symmetric);
        // Codes 7, 3, 1 at the first scale; dE/ds = 2 sum (s v - w) v is above 0, so that the scale falls by the learning rate.
        float[] weights = [0.7f, 0.26f, 0.06f];
        double first = 0.7 / 7 * 8, gradient = new[] { (7, 0.7), (3, 0.26), (1, 0.06) }
            .Sum(pair => 2 * (0.1 * pair.Item1 - pair.Item2) * pair.Item1);
        Assert.True(gradient > 0);
        FittedGranule fitted = new GradientScale(1, 0.02).Fit(weights, [], [table], []);
        Assert.Equal((Half)(0.98 * first), fitted.Scale);
    }

    [Fact]
    public void ZerosHaveNoScale() => Assert.Equal(
        Half.Zero, new GradientScale(10, 0.01).Fit(new float[9], [], [UniformGrid.Create(4, LevelLayout.Symmetric)], new byte[9]).Scale);
}
