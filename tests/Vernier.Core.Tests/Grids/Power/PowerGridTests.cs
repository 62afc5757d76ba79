using Vernier.Grids;
using Vernier.Grids.Power;
using Vernier.Grids.Uniform;
using Vernier.Levels;

namespace Vernier.Tests.Grids;

public class PowerGridTests
{
    public static TheoryData<int, LevelLayout> Tables
    {
        get
        {
            var data = new TheoryData<int, LevelLayout>();
            for (int bits = 2; bits <= 8; bits++)
            {
                data.Add(bits, LevelLayout.Symmetric);
                data.Add(bits, LevelLayout.Full);
                data.Add(bits, LevelLayout.MidRise);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public void ExponentOneIsTheUniformGridBitForBit(int bits, LevelLayout layout)
    {
        LevelTable uniform = UniformGrid.Create(bits, layout);
        foreach (RoundingRule rule in Enum.GetValues<RoundingRule>())
        {
            LevelTable power = PowerGrid.Create(bits, layout, exponent: 1, rule: rule);
            Assert.Equal(uniform.Levels.ToArray(), power.Levels.ToArray());
            Assert.Equal(uniform.Values.ToArray(), power.Values.ToArray());
            Assert.Equal(uniform.Boundaries.ToArray(), power.Boundaries.ToArray());
        }
    }

    [Theory]
    [InlineData(0.3)]
    [InlineData(0.5)]
    [InlineData(0.77)]
    [InlineData(1.2)]
    public void ThePowerPreservesProducts(double a)
    {
        var random = new Random(7);
        for (int i = 0; i < 1000; i++)
        {
            double x = 2 * random.NextDouble() - 1, y = 2 * random.NextDouble() - 1;
            Assert.Equal(PowerGrid.Encode(x, a) * PowerGrid.Encode(y, a), PowerGrid.Encode(x * y, a), 1e-12);
            Assert.Equal(x, PowerGrid.Decode(PowerGrid.Encode(x, a), a), 1e-12);
        }
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public void LevelsAreThePowerOfTheIndices(int bits, LevelLayout layout)
    {
        foreach (double a in (double[])[0.25, 0.5, 0.8, 1.1])
        {
            LevelTable table = PowerGrid.Create(bits, layout, a);
            int half = 1 << (bits - 1), one = PowerGrid.FixedPointOne(bits);
            for (int code = 0; code < table.Levels.Length; code++)
            {
                (double j, double largest) = layout switch
                {
                    LevelLayout.Symmetric => (code - (half - 1), half - 1),
                    LevelLayout.Full => (code - half, half),
                    _ => (code - half + 0.5, half - 0.5),
                };
                double exact = one * Math.Sign(j) * Math.Pow(Math.Abs(j) / largest, 1 / a);
                Assert.InRange(table.Levels[code] - exact, -0.5 - 1e-9, 0.5 + 1e-9);
            }
            Assert.Equal(one, Math.Max(Math.Abs(table.Levels[0]), Math.Abs((int)table.Levels[^1])));
            Assert.Equal(bits <= 6, table.FitsInSByte);
        }
    }

    [Fact]
    public void TheOffsetLayoutRunsFromFullToMidRise()
    {
        LevelTable full = PowerGrid.Create(4, LevelLayout.Full, 0.7), rise = PowerGrid.Create(4, LevelLayout.MidRise, 0.7);
        Assert.Equal(full.Levels.ToArray(), PowerGrid.Create(4, LevelLayout.Offset, 0.7, 0).Levels.ToArray());
        Assert.Equal(rise.Levels.ToArray(), PowerGrid.Create(4, LevelLayout.Offset, 0.7, 0.5).Levels.ToArray());
        LevelTable between = PowerGrid.Create(4, LevelLayout.Offset, 0.7, 0.2);
        Assert.Equal(0.2, between.Offset);
        Assert.Equal(16, between.Levels.Length);
        for (int code = 0; code < 16; code++)
        {
            double x = (code - 8 + 0.2) / 7.8;
            Assert.InRange(between.Levels[code] - 127 * Math.Sign(x) * Math.Pow(Math.Abs(x), 1 / 0.7), -0.5 - 1e-9, 0.5 + 1e-9);
        }
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public void EncodingALevelGivesTheLevelBack(int bits, LevelLayout layout)
    {
        foreach (double a in (double[])[0.3, 0.5, 0.75, 1, 1.2])
        {
            foreach (RoundingRule rule in Enum.GetValues<RoundingRule>())
            {
                LevelTable table = PowerGrid.Create(bits, layout, a, rule: rule);
                foreach (float value in table.Values)
                    Assert.Equal(value, table.Values[table.Encode(value)]);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public void NearestIsNearestAndNeverWorseThanThePapersRule(int bits, LevelLayout layout)
    {
        var random = new Random(bits);
        foreach (double a in (double[])[0.4, 0.65, 0.9])
        {
            LevelTable nearest = PowerGrid.Create(bits, layout, a),
                papers = PowerGrid.Create(bits, layout, a, rule: RoundingRule.PowerDomain);
            Assert.Equal(nearest.Levels.ToArray(), papers.Levels.ToArray());
            bool differ = false;
            for (int i = 0; i < 2000; i++)
            {
                float x = (float)(2.4 * random.NextDouble() - 1.2);
                double best = double.PositiveInfinity;
                foreach (float value in nearest.Values)
                    best = Math.Min(best, Math.Abs((double)value - x));
                double distance = Math.Abs((double)nearest.Values[nearest.Encode(x)] - x);
                Assert.True(best == distance, $"{x}: {distance} is not {best}");
                Assert.True(distance <= Math.Abs((double)papers.Values[papers.Encode(x)] - x));
                differ |= nearest.Encode(x) != papers.Encode(x);
            }
            Assert.True(differ || bits >= 7 || (bits == 2 && layout != LevelLayout.Full), "the two rules should differ somewhere");
        }
    }

    [Fact]
    public void ThePapersRuleRoundsInThePowerDomain()
    {
        const double A = 0.6;
        LevelTable table = PowerGrid.Create(4, LevelLayout.Symmetric, A, rule: RoundingRule.PowerDomain);
        var random = new Random(3);
        for (int i = 0; i < 5000; i++)
        {
            float u = (float)(2 * random.NextDouble() - 1);
            // In units of the table, one is 127/128.
            int code = (int)Math.Round(7 * PowerGrid.Encode(u, A)) + 7;
            Assert.Equal(code, table.Encode(u * 127 / 128));
            Assert.InRange(code, 0, 14);
        }
    }

    [Fact]
    public void WhatIsNoPowerGridIsRefused()
    {
        Refusal.Of<ArgumentException>("only the offset layout has an offset", () => PowerGrid.Create(4, LevelLayout.Asymmetric, 0.5));
        Refusal.Of<ArgumentException>("only the offset layout has an offset", () => PowerGrid.Create(4, LevelLayout.Full, 0.5, 0.25));
        Refusal.Of<ArgumentOutOfRangeException>("exponent", () => PowerGrid.Create(4, LevelLayout.Full, 0.1));
        Refusal.Of<ArgumentOutOfRangeException>("bits", () => PowerGrid.Create(9, LevelLayout.Full, 0.5));
        Refusal.Of<ArgumentOutOfRangeException>("bits", () => PowerGrid.Create(1, LevelLayout.Full, 0.5));
    }
}
