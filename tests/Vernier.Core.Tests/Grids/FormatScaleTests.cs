using Vernier.Grids;
using Vernier.Grids.Minifloat;
using Vernier.Levels;

namespace Vernier.Tests.Grids;

/// <summary>Scales of one byte, and scales that are powers of two of each other.</summary>
public class FormatScaleTests
{
    private static readonly LevelTable s_e2m1 = MinifloatGrid.Create(new MinifloatFormat(2, 1));

    [Fact]
    public void EveryByteThatIsANumberComesBack()
    {
        foreach (ScaleFormat format in (ScaleFormat[])[ScaleFormat.E8M0, ScaleFormat.E4M3])
        {
            int numbers = 0;
            for (int stored = 0; stored < 256; stored++)
            {
                Half scale = StoredScale.Decode((byte)stored, format);
                if (!Half.IsFinite(scale))
                    continue;
                numbers++;
                Assert.Equal(stored, StoredScale.Encode(scale, format));
                Assert.Equal(scale, StoredScale.Nearest((double)scale, format));
                if (format == ScaleFormat.E8M0)
                    Assert.Equal(Math.ScaleB(1, stored - 127), (double)scale);
            }
            Assert.Equal(format == ScaleFormat.E8M0 ? 40 : 127, numbers);
        }
        Assert.Equal((Half)448, StoredScale.Decode(126, ScaleFormat.E4M3));
        Assert.Equal((Half)Math.ScaleB(1, -9), StoredScale.Decode(1, ScaleFormat.E4M3));
        Assert.Equal((Half)1.5, StoredScale.Decode(0b0111_100, ScaleFormat.E4M3));
        Refusal.Of<ArgumentException>("the scale 3 is no number of E8M0", () => StoredScale.Encode((Half)3, ScaleFormat.E8M0));
        Refusal.Of<ArgumentException>("the scale -1 is no number of E4M3", () => StoredScale.Encode((Half)(-1), ScaleFormat.E4M3));
    }

    [Theory]
    [InlineData(ScaleFormat.E8M0)]
    [InlineData(ScaleFormat.E4M3)]
    public void TheSearchFindsTheBestOfTheScalesAroundTheRatio(ScaleFormat format)
    {
        var random = new Random(3);
        for (int trial = 0; trial < 200; trial++)
        {
            float[] weights = Weights(random, 1 + random.Next(40), trial);
            var codes = new byte[weights.Length];
            FittedGranule fitted = new FormatScale(format).Fit(weights, [], [s_e2m1], codes),
                rule = new FormatScale(format, search: false).Fit(weights, [], [s_e2m1], []);
            double least = double.PositiveInfinity, ratio = weights.Max(Math.Abs) / s_e2m1.LargestValue;
            foreach (Half scale in StoredScale.Values(format))
                least = (double)scale >= 0.3 * ratio && (double)scale <= 4 * ratio ? Math.Min(least, Error(weights, scale)) : least;
            if (double.IsFinite(least))
                Assert.InRange(Error(weights, fitted.Scale), 0, least * 1.000001 + 1e-12);
            Assert.True(fitted.Error <= rule.Error * 1.000001 + 1e-12);
            StoredScale.Encode(fitted.Scale, format);
            // An error is a difference of sums of squares in single precision.
            double squares = weights.Sum(w => (double)w * w),
                error = weights.Zip(codes, (w, code) => Math.Pow(w - (double)(float)fitted.Scale * s_e2m1.Values[code], 2)).Sum();
            Assert.Equal(error, fitted.Error, 1e-6 * Math.Max(1, squares));
        }
    }

    [Fact]
    public void TheRuleOfTheSpecificationIsAPowerOfTwoFromTheTwoExponents()
    {
        // The largest level, 0.75, has the exponent -1; that of the largest weight is the other.
        foreach ((float largest, double scale) in (
            (float, double)[])[(1, 2), (0.99f, 1), (0.5f, 1), (0.26f, 0.5), (1e-3f, Math.ScaleB(1, -9))])
        {
            FittedGranule fitted = new FormatScale(ScaleFormat.E8M0, search: false).Fit([0.1f * largest, -largest], [], [s_e2m1], []);
            Assert.Equal(scale, (double)fitted.Scale);
        }
    }

    [Fact]
    public void ZerosHaveAScaleThatTheFormatHas()
    {
        foreach (ScaleFormat format in (ScaleFormat[])[ScaleFormat.E8M0, ScaleFormat.E4M3])
        {
            var codes = new byte[5];
            FittedGranule fitted = new FormatScale(format).Fit(new float[5], [], [s_e2m1], codes);
            StoredScale.Encode(fitted.Scale, format);
            Assert.All(codes, code => Assert.Equal(0, s_e2m1.Values[code]));
        }
    }

    [Fact]
    public void M1MakesPowersOfTwoFromAbove()
    {
        var random = new Random(4);
        var search = new ScaleSearch(mirror: false);
        for (int trial = 0; trial < 100; trial++)
        {
            float[] weights = Weights(random, 64, trial);
            double free = (double)search.Fit(weights, [], [s_e2m1], []).Scale,
                power = (double)new PowerOfTwoScale(search, ratios: false).Fit(weights, [], [s_e2m1], []).Scale;
            Assert.Equal(free == 0 ? 0 : Math.Pow(2, Math.Ceiling(Math.Log2(free))), power);
        }
    }

    [Fact]
    public void M2MakesRatiosExactPowersOfTwoFromBelow()
    {
        var random = new Random(5);
        var fit = new PowerOfTwoScale(new ScaleSearch(mirror: false), ratios: true);
        for (int trial = 0; trial < 100; trial++)
        {
            Half[] scales = [.. Enumerable.Range(0, 12).Select(_ => (Half)Math.ScaleB(0.5 + 0.5 * random.NextDouble(), -random.Next(8)))],
                before = [.. scales];
            scales[3] = before[3] = Half.Zero;
            fit.Constrain(scales);
            double largest = (double)before.Max();
            for (int i = 0; i < scales.Length; i++)
            {
                if (before[i] == Half.Zero)
                {
                    Assert.Equal(Half.Zero, scales[i]);
                    continue;
                }
                Assert.Equal(Math.ScaleB(largest, -(int)Math.Ceiling(Math.Log2(largest / (double)before[i]))), (double)scales[i]);
                Assert.InRange((double)scales[i], (double)before[i] / 2 * 1.0001, (double)before[i]);
            }
            Assert.False(fit.Constrain(scales));
        }
    }

    private static double Error(float[] weights, Half scale)
    {
        float inverse = scale == Half.Zero ? 0 : 1 / (float)scale;
        return weights.Sum(w => Math.Pow(w - (double)(float)scale * s_e2m1.Values[s_e2m1.Encode(w * inverse)], 2));
    }

    // Of all sizes that blocks of a normalised matrix have, constants and zeros among them.
    private static float[] Weights(Random random, int count, int trial) =>
        [.. Enumerable.Range(0, count).Select(i => (trial % 7) switch
        {
            0 => i == 0 ? 1 : (float)(random.NextDouble() * 0.01),
            1 => (float)Math.ScaleB(1, -trial % 20),
            _ => (float)Math.ScaleB(2 * random.NextDouble() - 1, -(trial % 18)),
        })];
}
