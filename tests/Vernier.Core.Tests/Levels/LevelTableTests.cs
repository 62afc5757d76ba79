using Vernier.Grids;
using Vernier.Grids.Power;
using Vernier.Levels;

namespace Vernier.Tests.Grids;

[UsesInstructions]
public class LevelTableTests
{
    [Fact]
    public void AnotherUnitMultipliesEverythingExactly()
    {
        LevelTable table = PowerGrid.Create(8, LevelLayout.Full, 0.6), small = table.WithUnit(MathF.ScaleB(table.Unit, -60));
        float factor = MathF.ScaleB(1, -60);
        var random = new Random(1);
        for (int i = 0; i < 5000; i++)
        {
            float x = (float)(2.2 * random.NextDouble() - 1.1);
            Assert.Equal(table.Encode(x), small.Encode(x * factor));
        }
        Assert.Equal(table.Values.ToArray().Select(value => value * factor), small.Values.ToArray());
    }

    [Theory]
    [InlineData(0.3)]
    [InlineData(0.7)]
    [InlineData(1.0)]
    public void LargeTablesAreLookedUpAsTheyAreCounted(double exponent)
    {
        LevelTable table = PowerGrid.Create(8, LevelLayout.Full, exponent);
        Assert.True(table.IsIndexed);
        var random = new Random(2);
        float[] awkward = [0, -0f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, float.Epsilon, -float.Epsilon,
            .. table.Boundaries.ToArray(), .. table.Boundaries.ToArray().Select(MathF.BitIncrement),
                .. table.Boundaries.ToArray().Select(MathF.BitDecrement)];
        foreach (float x in awkward.Concat(Enumerable.Range(0, 20_000).Select(_ => (float)(2.4 * random.NextDouble() - 1.2))))
            Assert.Equal(table.Boundaries.ToArray().Count(boundary => x > boundary), table.Encode(x));
    }

    [Fact]
    public void MalformedTablesAreRefused()
    {
        Refusal.Of<ArgumentException>("must ascend", () => new LevelTable(2, [1, 0], 1, 1));
        Refusal.Of<ArgumentException>("2 to 4 levels, not 1", () => new LevelTable(2, [1], 1, 1));
        Refusal.Of<ArgumentException>("2 to 4 levels, not 5", () => new LevelTable(2, [1, 2, 3, 4, 5], 1, 1));
        Refusal.Of<ArgumentException>("unit", () => new LevelTable(2, [0, 1], 0.75f, 1));
        Refusal.Of<ArgumentException>("unit", () => new LevelTable(2, [0, 1], float.NaN, 1));
        Refusal.Of<ArgumentException>("unit", () => new LevelTable(2, [0, 1], -1, 1));
        Refusal.Of<ArgumentException>("thresholds", () => new LevelTable(2, [0, 1], 1, 1, thresholds: [0.5, 0.6]));
    }
}
