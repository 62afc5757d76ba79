using Vernier.Grids;
using Vernier.Grids.Power;
using Vernier.Grids.Uniform;
using Vernier.Kernels;
using Vernier.Levels;
using Vernier.Packing;
using Vernier.Packing.Scalar;

namespace Vernier.Tests.Kernels;

/// <summary>Level tables as integers of one unit, in one part of 8 bits or two.</summary>
public class IntegerLevelsTests
{
    public static TheoryData<string, int, bool, LevelTable[]> Tables => new()
    {
        { "uniform", 1, false, [UniformGrid.Create(4, LevelLayout.Full)] },
        { "the whole of 8 bits", 1, false, [new LevelTable(2, [-128, -1, 0, 127], 0.5f, 1)] },
        { "one below 8 bits", 2, false, [new LevelTable(2, [-129, -1, 0, 127], 0.5f, 1)] },
        { "one above 8 bits", 2, false, [new LevelTable(2, [-128, 0, 1, 128], 0.5f, 1)] },
        { "power of 8 bits", 2, false, [PowerGrid.Create(8, LevelLayout.Full, 0.5)] },
        { "units apart, in 8 bits", 1, false, [new LevelTable(2, [-3, 0, 1, 3], 8, 1), new LevelTable(2, [-7, 0, 5, 100], 0.25f, 1)] },
        { "units apart, in 16 bits", 2, false, [new LevelTable(2, [-3, 0, 1, 3], 8, 1), new LevelTable(2, [-7, 5], 1f / 512, 1)] },
        { "the whole of 16 bits", 2, false, [new LevelTable(2, [short.MinValue, -1, 0, short.MaxValue], 1, 1)] },
        { "units too far apart", 0, false, [new LevelTable(2, [-3, 3], 1 << 14, 1), new LevelTable(2, [-7, 5], 1, 1)] },
        { "units beyond counting", 0, false, [new LevelTable(2, [-3, 3], 1, 1), new LevelTable(2, [0, 0], 1f / (1 << 17), 1)] },
        { "from 0, centred", 1, true, [UniformGrid.Create(8, LevelLayout.Asymmetric)] },
        { "from far away, centred", 1, true, [new LevelTable(2, [1000, 1100, 1200, 1255], 1, 1)] },
        { "from far away, too wide", 2, true, [new LevelTable(2, [1000, 1100, 1200, 1256], 1, 1)] },
        { "from far away, not centred", 2, false, [new LevelTable(2, [1000, 1100, 1200, 1255], 1, 1)] },
    };

    [Theory]
    [MemberData(nameof(Tables))]
    public void ThePartsAddUpToTheLevels(string name, int parts, bool zeroPoints, LevelTable[] tables)
    {
        var layout = new ScalarLayout(tables.Length, 8, tables[0].Bits, Granularity.Channel, 1, 1, WideLevels: true, zeroPoints);
        IntegerLevels[] found = IntegerLevels.Of(layout, tables);
        Assert.True(parts == found.Length, name);
        for (int grid = 0; grid < tables.Length && parts > 0; grid++)
        {
            for (int code = 0; code < IntegerLevels.Stride; code++)
            {
                double sum = found.Sum(part => part.Unit * (double)(part.Stored[grid * IntegerLevels.Stride + code] + part.Offset));
                Assert.Equal((double)tables[grid].Values[Math.Min(code, tables[grid].Count - 1)], sum);
            }
        }
    }

    [Fact]
    public void ConsecutiveLevelsAreKnownGridByGrid()
    {
        LevelTable even = UniformGrid.Create(3, LevelLayout.Full), power = PowerGrid.Create(3, LevelLayout.Full, 0.5),
            fewer = UniformGrid.Create(3, LevelLayout.Symmetric);
        var layout = new ScalarLayout(3, 8, 3, Granularity.Channel, 1, 1, WideLevels: false, ZeroPoints: false);
        Assert.Equal([true], Assert.Single(IntegerLevels.Of(layout, [even])).IsConsecutive);
        Assert.Equal([false, false], Assert.Single(IntegerLevels.Of(layout, [power, power])).IsConsecutive);
        // A level that the last code repeats is not its code plus a constant.
        Assert.Equal([true, false], Assert.Single(IntegerLevels.Of(layout, [even, fewer])).IsConsecutive);
    }

    [Fact]
    public void FloatLevelsHaveNone()
    {
        var layout = new ScalarLayout(1, 8, 2, Granularity.Channel, 1, 1, WideLevels: false, ZeroPoints: false) { FloatLevels = true };
        Assert.Empty(IntegerLevels.Of(layout, [LevelTable.OfFloats(2, [-1, 0, 1, 2], 1)]));
    }
}
