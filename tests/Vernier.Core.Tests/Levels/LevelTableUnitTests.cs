using Vernier.Grids;
using Vernier.Grids.Power;
using Vernier.Grids.Uniform;
using Vernier.Levels;

namespace Vernier.Tests.Grids;

/// <summary>The same table with another unit.</summary>
[UsesInstructions]
public class LevelTableUnitTests
{
    public static TheoryData<int, int> Ways => new()
    {
        { 0, -20 }, { -20, 3 }, { 3, 100 }, { -100, 100 }, { 100, -100 }, { -119, 119 }, { 119, -119 },
    };

    [Theory]
    [MemberData(nameof(Ways))]
    public void EveryValueIsMultipliedExactly(int from, int to)
    {
        foreach (LevelTable table in (LevelTable[])[UniformGrid.Create(4, LevelLayout.Full), PowerGrid.Create(6, LevelLayout.Full, 0.6),
            UniformGrid.Create(8, LevelLayout.Asymmetric)])
        {
            LevelTable start = table.WithUnit(MathF.ScaleB(1, from)), moved = start.WithUnit(MathF.ScaleB(1, to));
            Assert.Equal(MathF.ScaleB(1, to), moved.Unit);
            for (int code = 0; code < table.Count; code++)
            {
                Assert.Equal(Math.ScaleB(table.Levels[code], to), moved.Values[code]);
                Assert.Equal(moved.Values[code], moved.Values[moved.Encode(moved.Values[code])]);
            }
            // A boundary that has no float of its own is the one below.
            for (int i = 0; i < table.Count - 1; i++)
            {
                double exact = Math.ScaleB(start.Boundaries[i], to - from);
                Assert.InRange(exact, moved.Boundaries[i], Math.BitDecrement((double)MathF.BitIncrement(moved.Boundaries[i])));
            }
            Assert.Equal((start.IsRounding, start.IsIndexed), (moved.IsRounding, moved.IsIndexed));
        }
    }

    [Fact]
    public void FloatLevelsMoveWithTheirUnit()
    {
        LevelTable table = LevelTable.OfFloats(2, [-3, 0, 0.5f, 6], MathF.ScaleB(1, -90)), moved = table.WithUnit(MathF.ScaleB(1, 90));
        Assert.Equal([-3, 0, 0.5, 6], moved.Values.ToArray().Select(value => Math.ScaleB(value, -90)));
        Assert.Equal([0, 1, 2, 3], moved.Values.ToArray().Select(moved.Encode));
        Assert.Equal((true, false), (moved.IsFloat, moved.FitsInSByte));
        Assert.Equal(MathF.ScaleB(6, 90), moved.LargestValue);
    }

    [Fact]
    public void MirrorImagesAndBytesAreKnown()
    {
        Assert.True(new LevelTable(2, [-3, 0, 3], 1, 1).IsOddSymmetric);
        Assert.True(new LevelTable(2, [-3, -1, 1, 3], 1, 1).IsOddSymmetric);
        Assert.False(new LevelTable(2, [-3, 0, 2], 1, 1).IsOddSymmetric);
        Assert.False(new LevelTable(2, [-3, 1, 1, 3], 1, 1).IsOddSymmetric);
        Assert.True(new LevelTable(2, [-128, 127], 1, 1).FitsInSByte);
        Assert.False(new LevelTable(2, [-129, 127], 1, 1).FitsInSByte);
        Assert.False(new LevelTable(2, [-128, 128], 1, 1).FitsInSByte);
        Assert.Equal(129 * 0.5f, new LevelTable(2, [-129, 128], 0.5f, 1).LargestValue);
    }
}
