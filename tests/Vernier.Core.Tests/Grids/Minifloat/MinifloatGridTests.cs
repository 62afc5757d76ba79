using Vernier.Grids.Minifloat;
using Vernier.Grids.NormalFloat;
using Vernier.Levels;

namespace Vernier.Tests.Grids;

public class MinifloatGridTests
{
    public static TheoryData<string> Formats
    {
        get
        {
            var data = new TheoryData<string> { "ocp-e4m3", "ocp-e5m2" };
            for (int bits = 2; bits <= 8; bits++)
            {
                for (int e = 1; e < bits; e++)
                    data.Add($"e{e}m{bits - 1 - e}");
            }
            return data;
        }
    }

    [Fact]
    public void TheFormatsOfFourBitsAreThoseOfThePapers()
    {
        Assert.Equal([-12, -8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 8, 12], Levels("e2m1"));
        Assert.Equal([-64, -32, -16, -8, -4, -2, -1, 0, 1, 2, 4, 8, 16, 32, 64], Levels("e3m0"));
        Assert.Equal([-7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7], Levels("e1m2"));
    }

    [Theory]
    [InlineData("e2m3", 60, 8)]
    [InlineData("e3m2", 448, 16)]
    [InlineData("e4m3", 480 * 512, 32)]
    [InlineData("ocp-e4m3", 448 * 512, 32)]
    [InlineData("e5m2", 114688L * 65536, 32)]
    [InlineData("ocp-e5m2", 57344L * 65536, 32)]
    [InlineData("e3m4", 1984, 16)]
    public void TheLargestNumberAndTheWidthOfLevelsAreThoseOfTheFormat(string name, long largest, int width)
    {
        MinifloatFormat format = Format(name);
        Assert.Equal(largest, format.Largest);
        Assert.Equal(width, MinifloatGrid.IsFloat(format) ? 32 : MinifloatGrid.FitsInSByte(format) ? 8 : 16);
        LevelTable table = MinifloatGrid.Create(format);
        Assert.Equal(width == 32, table.IsFloat);
        Assert.Equal(width == 8, table.FitsInSByte);
        Assert.InRange(table.LargestValue, 0.5f, 1f);
        Assert.Equal(name, format.ToString());
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void AllCodesAreNumbersAndTheTableIsItsMirrorImage(string name)
    {
        MinifloatFormat format = Format(name);
        LevelTable table = MinifloatGrid.Create(format);
        // One code for both zeros, and what is reserved in both signs.
        int reserved = name == "ocp-e4m3" ? 2 : name == "ocp-e5m2" ? 8 : 0;
        Assert.Equal((1 << format.Bits) - 1 - reserved, table.Count);
        Assert.True(table.IsOddSymmetric);
        Assert.Equal(0, table.Values[table.Count / 2]);
        for (int code = 0; code < table.Count; code++)
        {
            Assert.Equal(code, table.Encode(table.Values[code]));
            Assert.True(code == 0 || table.Values[code] > table.Values[code - 1]);
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void TheTableRoundsAsTheClosedFormWithItsBias(string name)
    {
        MinifloatFormat format = Format(name);
        if (format.Reserved != ReservedCodes.None)
            return;
        LevelTable table = MinifloatGrid.Create(format);
        int e = format.ExponentBits, m = format.MantissaBits;
        double largest = table.LargestValue, bias = Math.Pow(2, e) - Math.Log2(largest) + Math.Log2(2 - Math.Pow(2, -m)) - 1;
        var random = new Random(e * 8 + m);
        for (int i = 0; i < 4000; i++)
        {
            // Over all exponents of the format, and beyond.
            double sign = random.Next(2) * 2 - 1;
            float x = (float)(sign * 1.3 * largest * Math.ScaleB(1 + random.NextDouble(), -random.Next((1 << Math.Min(e, 5)) + m + 2)));
            double clipped = Math.Clamp(x, -largest, largest), step;
            double p = clipped == 0 ? 1 : Math.Max(Math.Floor(Math.Log2(Math.Abs(clipped)) + bias), 1);
            step = Math.Pow(2, p - m - bias);
            Assert.Equal(Math.Round(clipped / step) * step, table.Values[table.Encode(x)], largest * 1e-12);
        }
    }

    [Fact]
    public void TheBestSplitFollowsTheTails()
    {
        var random = new Random(5);
        double[] uniform = [.. Enumerable.Range(0, 20_000).Select(_ => 2 * random.NextDouble() - 1)];
        double[] gauss = [.. Enumerable.Range(0, 20_000).Select(_ => Gaussian(random))];
        // Three degrees of freedom: a normal variable over the root of a mean of three squares.
        double[] student = [.. Enumerable.Range(0, 20_000)
            .Select(_ => Gaussian(random) / Math.Sqrt((Square(random) + Square(random) + Square(random)) / 3))];
        double[][] ratios = [.. ((double[][])[uniform, gauss, student])
            .Select(values => (double[])[.. Enumerable.Range(1, 5).Select(e => SignalToNoise(values, e))])];
        int[] best = [.. ratios.Select(ratio => 1 + Array.IndexOf(ratio, ratio.Max()))];
        Assert.Equal(1, best[0]);
        Assert.Equal(2, best[1]);
        Assert.InRange(best[2], 3, 4);
        // On uniform numbers each bit of exponent costs one of mantissa and gives nothing.
        Assert.Equal(ratios[0], ratios[0].OrderDescending());

        static double SignalToNoise(double[] values, int e)
        {
            LevelTable table = MinifloatGrid.Create(new MinifloatFormat(e, 7 - e));
            double scale = values.Max(Math.Abs) / table.LargestValue, error = 0;
            foreach (double value in values)
                error += Math.Pow(value - scale * table.Values[table.Encode((float)(value / scale))], 2);
            return 10 * Math.Log10(values.Sum(value => value * value) / error);
        }
    }

    [Theory]
    [InlineData("e0m3")]
    [InlineData("e8m0")]
    [InlineData("e4m4")]
    [InlineData("ocp-e4m2")]
    [InlineData("E2M1")]
    [InlineData("fp4")]
    [InlineData("")]
    public void WhatIsNoFormatIsNoName(string name) => Assert.False(MinifloatFormat.TryParse(name, out _));

    [Fact]
    public void NormalFloatOfFourBitsIsThePublishedTable()
    {
        // Of the paper's appendix, to eight digits.
        double[] published =
        [
            -1, -0.69619280, -0.52507305, -0.39491749, -0.28444138, -0.18477343, -0.09105004, 0,
            0.07958030, 0.16093020, 0.24611230, 0.33791524, 0.44070983, 0.56261700, 0.72295684, 1,
        ];
        LevelTable table = NormalFloatGrid.Create(4);
        Assert.Equal(published.Select(level => (short)Math.Round(127 * level)), table.Levels.ToArray());
    }

    [Fact]
    public void NormalFloatIsAscendingWithAnExactZeroAtAllBits()
    {
        for (int bits = 2; bits <= 8; bits++)
        {
            LevelTable table = NormalFloatGrid.Create(bits);
            Assert.Equal(1 << bits, table.Count);
            Assert.Equal(0, table.Levels[(1 << (bits - 1)) - 1]);
            Assert.Equal(bits <= 6, table.FitsInSByte);
            Assert.Equal(table.Levels.ToArray().Distinct(), table.Levels.ToArray());
            Assert.Equal(-table.Levels[0], table.Levels[^1]);
        }
    }

    [Theory]
    [InlineData(0.5, 0)]
    [InlineData(0.75, 0.6744897501960817)]
    [InlineData(0.9772498680518208, 2)]
    [InlineData(0.99, 2.3263478740408408)]
    public void QuantilesAreThoseOfTheNormalDistribution(double p, double x) => Assert.Equal(x, NormalFloatGrid.Quantile(p), 1e-12);

    internal static MinifloatFormat Format(string name) =>
        MinifloatFormat.TryParse(name, out MinifloatFormat format) ? format : throw new ArgumentException(name);

    private static short[] Levels(string name) => MinifloatGrid.Create(Format(name)).Levels.ToArray();

    private static double Gaussian(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    private static double Square(Random random) => Math.Pow(Gaussian(random), 2);
}
