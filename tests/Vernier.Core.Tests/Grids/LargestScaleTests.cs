using Vernier.Grids;
using Vernier.Grids.Power;
using Vernier.Grids.Uniform;
using Vernier.Levels;

namespace Vernier.Tests.Grids;

/// <summary>The largest weight at the largest level.</summary>
public class LargestScaleTests
{
    private static readonly LevelTable s_full = UniformGrid.Create(4, LevelLayout.Full);
    private static readonly LevelTable s_symmetric = UniformGrid.Create(4, LevelLayout.Symmetric);

    [Theory]
    [InlineData(2f, -2, 0)]
    [InlineData(-2f, 2, 0)]
    [InlineData(0.5f, -0.5, 0)]
    public void MirroredTheAdditionalLevelHoldsIt(float largest, double scale, int code)
    {
        var codes = new byte[3];
        FittedGranule fitted = new LargestScale().Fit([0, largest, largest / 4], [], [s_full], codes);
        Assert.Equal((Half)scale, fitted.Scale);
        Assert.Equal([8, (byte)code, 6], codes);
        Assert.True(double.IsNaN(fitted.Error));
    }

    [Theory]
    [InlineData(7f, 15)]
    [InlineData(-7f, 1)]
    public void OtherwiseTheSmallerOfTheOutermostLevelsDoes(float largest, byte code)
    {
        var codes = new byte[2];
        FittedGranule fitted = new LargestScale(mirror: false).Fit([largest, 1], [], [s_full], codes);
        Assert.Equal((Half)8, fitted.Scale);
        Assert.Equal([code, 9], codes);
        // On a table that is its own mirror image a sign offers nothing.
        fitted = new LargestScale().Fit([largest, 1], [], [s_symmetric], codes);
        Assert.Equal((Half)8, fitted.Scale);
        Assert.Equal([(byte)(code - 1), 8], codes);
    }

    [Fact]
    public void WithoutCodesTheErrorIsMeasured()
    {
        FittedGranule fitted = new LargestScale().Fit([7, 1.25f, -2.5f], [], [s_symmetric], []);
        Assert.Equal((Half)8, fitted.Scale);
        // 1.25 is rounded to 1, and -2.5 to the even -2.
        Assert.Equal(0.25 * 0.25 + 0.5 * 0.5, fitted.Error, 1e-9);
        fitted = new LargestScale().Fit([7, 1.25f, -2.5f], [1, 4, 2], [s_symmetric], []);
        Assert.Equal(4 * 0.0625 + 2 * 0.25, fitted.Error, 1e-9);
    }

    [Fact]
    public void OfSeveralTablesTheBestIsNamedByTheScale()
    {
        LevelTable[] tables = [UniformGrid.Create(3, LevelLayout.Symmetric), PowerGrid.Create(3, LevelLayout.Symmetric, 0.5)];
        for (int best = 0; best < tables.Length; best++)
        {
            float[] weights = [.. tables[best].Values.ToArray().Select(value => 4 * value)];
            var codes = new byte[weights.Length];
            FittedGranule fitted = new LargestScale().Fit(weights, [], tables, codes);
            Assert.Equal(best, BitConverter.HalfToUInt16Bits(fitted.Scale) & 1);
            Assert.Equal(4, (double)fitted.Scale, 0.01);
            Assert.Equal(Enumerable.Range(0, weights.Length).Select(code => (byte)code), codes);
        }
    }

    [Fact]
    public void ZerosAndWhatHalfPrecisionCannotHoldHaveTheScaleZero()
    {
        foreach (float weight in (float[])[0, -0f, float.Epsilon, 1e-12f, 1e9f])
        {
            var codes = new byte[2];
            FittedGranule fitted = new LargestScale().Fit([weight, 0], [], [s_symmetric], codes);
            Assert.Equal(Half.Zero, fitted.Scale);
            Assert.Equal([7, 7], codes);
            fitted = new LargestScale().Fit([weight, 0], [], [s_symmetric], []);
            Assert.Equal((Half.Zero, (double)weight * weight), (fitted.Scale, fitted.Error));
        }
    }
}
