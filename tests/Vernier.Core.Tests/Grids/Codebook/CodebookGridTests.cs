using Vernier.Grids;
using Vernier.Grids.Codebook;
using Vernier.Grids.Power;
using Vernier.Grids.Specs;
using Vernier.Levels;
using Vernier.Numerics;

namespace Vernier.Tests.Grids;

/// <summary>Codebooks of any numbers in fixed point, and the search for them.</summary>
public class CodebookGridTests
{
    public static TheoryData<int> AllBits => [2, 3, 4, 5, 6, 7, 8];

    [Theory]
    [MemberData(nameof(AllBits))]
    public void NumbersComeBackToHalfAStep(int bits)
    {
        foreach (double size in (double[])[1, 1e-3, 1e4])
        {
            double[] values = [.. TinyModel.Gaussian(1 << bits, bits, size).Select(value => (double)value)];
            LevelTable table = CodebookGrid.Create(bits, values, out double unit);
            double[] sorted = [.. values.Order()];
            double step = sorted.Max(Math.Abs) / PowerGrid.FixedPointOne(bits);
            Assert.Equal(1 << bits, table.Count);
            Assert.Equal(bits, table.Bits);
            Assert.Equal(PowerGrid.FixedPointOne(bits), table.Levels.ToArray().Max(level => Math.Abs((int)level)));
            for (int i = 0; i < sorted.Length; i++)
                Assert.Equal(sorted[i], unit * table.Values[i], step * 0.5001);
        }
    }

    [Fact]
    public void WhatIsNoCodebookIsRefused()
    {
        Refusal.Of<ArgumentException>("3 numbers are not the 4 of 2 bits", () => CodebookGrid.Create(2, [1, 2, 3], out _));
        Refusal.Of<ArgumentException>("16 numbers are not the 8 of 3 bits", () => CodebookGrid.Create(3, new double[16], out _));
        foreach (double wrong in (double[])[double.NaN, double.PositiveInfinity, double.NegativeInfinity])
            Refusal.Of<ArgumentException>("finite numbers", () => CodebookGrid.Create(2, [0, 1, wrong, 2], out _));
        Refusal.Of<ArgumentException>("not all 0", () => CodebookGrid.Create(2, [0, 0, -0.0, 0], out _));
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(4, 4)]
    public void ACodebookLeavesNoMoreErrorThanEvenLevels(int bits, int tables)
    {
        var spec = new CodebookGridSpec { Tables = tables };
        float[] weights = [.. TinyModel.Gaussian(64 * 24, 3, 0.2), .. TinyModel.Gaussian(64 * 24, 4, 0.02).Select(x => x * x * 50)];
        var sample = new GranuleSample(weights, [], Enumerable.Range(0, 48).Select(i => (64 * i, 64)), 1);
        using var one = new Workers(1);
        LevelTable[] chosen = spec.Choose([sample], bits, default, Workers.Shared);
        Assert.Equal(tables, chosen.Length);
        Assert.All(chosen, table => Assert.InRange(table.Count, 2, 1 << bits));
        Assert.True(Error(chosen) <= Error([spec.Candidates(bits, default)[0]]));
        Assert.Equal(chosen.Select(table => table.Values.ToArray()),
            spec.Choose([sample], bits, default, one).Select(table => table.Values.ToArray()));

        double Error(LevelTable[] of) => Enumerable.Range(0, sample.Count)
            .Sum(i => new ScaleSearch(spec.Mirror).Fit(sample.Weights(i), [], of, []).Error);
    }

    [Fact]
    public void WeightsOfAFewNumbersAreFoundExactly()
    {
        // -1, -0.25, 0.125 and 0.5 in equal parts, with the same scale everywhere.
        float[] numbers = [-1, -0.25f, 0.125f, 0.5f];
        float[] weights = [.. Enumerable.Range(0, 32 * 16).Select(i => numbers[i % 4])];
        var sample = new GranuleSample(weights, [], Enumerable.Range(0, 16).Select(i => (32 * i, 32)), 1);
        LevelTable table = Assert.Single(new CodebookGridSpec { Mirror = false }.Choose([sample], 2, default, Workers.Shared));
        double scale = Math.Abs(table.Values[0]);
        for (int i = 0; i < 4; i++)
            Assert.Equal(numbers[i], table.Values[i] / scale, 0.5 / 127);
    }

    [Fact]
    public void WeightsThatAreAllZeroLeaveEvenLevels()
    {
        var spec = new CodebookGridSpec();
        var sample = new GranuleSample(new float[64], [], [(0, 32), (32, 32)], 1);
        LevelTable table = Assert.Single(spec.Choose([sample], 3, default, Workers.Shared));
        Assert.Equal(spec.Candidates(3, default)[0].Levels.ToArray(), table.Levels.ToArray());
    }
}
