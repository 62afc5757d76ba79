using Vernier.Grids;
using Vernier.Grids.Power;
using Vernier.Grids.Uniform;
using Vernier.Levels;

namespace Vernier.Tests.Grids;

/// <summary>Codes at ties, infinities and denormals, for each way in which a code is found.</summary>
[UsesInstructions]
public class LevelTableValueTests
{
    [Theory]
    [InlineData(0.125f, 4)]
    [InlineData(0.375f, 6)]
    [InlineData(0.625f, 6)]
    [InlineData(-0.125f, 4)]
    [InlineData(-0.375f, 2)]
    [InlineData(-0.625f, 2)]
    [InlineData(0.12500001f, 5)]
    [InlineData(-0.12500001f, 3)]
    [InlineData(0f, 4)]
    [InlineData(float.Epsilon, 4)]
    [InlineData(-float.Epsilon, 4)]
    [InlineData(0.875f, 7)]
    [InlineData(-5f, 0)]
    [InlineData(float.MaxValue, 7)]
    [InlineData(float.PositiveInfinity, 7)]
    [InlineData(float.NegativeInfinity, 0)]
    [InlineData(float.NaN, 0)]
    public void EvenlySpacedLevelsRoundTiesToTheEvenLevel(float x, int code)
    {
        LevelTable table = UniformGrid.Create(3, LevelLayout.Full);
        Assert.True(table.IsRounding);
        Assert.Equal(code, table.Encode(x));
        Assert.Equal(code, table.Boundaries.ToArray().Count(boundary => x > boundary));
    }

    [Theory]
    [InlineData(-1.5f, 0, 1)]
    [InlineData(-0.25f, 2, 2)]
    [InlineData(1.75f, 2, 3)]
    public void OtherLevelsRoundTiesToTheEvenIndex(float tie, int at, int above)
    {
        // Half-way lie -3, -1/2 and 7/2 in units of 1/2; indices are counted from the middle.
        var table = new LevelTable(2, [-5, -1, 0, 7], 0.5f, 1);
        Assert.False(table.IsRounding);
        Assert.Equal(at, table.Encode(tie));
        Assert.Equal(above, table.Encode(MathF.BitIncrement(tie)));
        Assert.Equal(above - 1, table.Encode(MathF.BitDecrement(tie)));
        Assert.Equal((0, 3, 0), (table.Encode(float.NegativeInfinity), table.Encode(float.PositiveInfinity), table.Encode(float.NaN)));
    }

    [Fact]
    public void ThresholdsReplaceTheMiddles()
    {
        var table = new LevelTable(2, [-4, 0, 4], 0.25f, 1, thresholds: [-3, 1]);
        Assert.Equal([-1, 0, 1], table.Values.ToArray());
        Assert.Equal([0, 1, 1, 2], ((float[])[-0.76f, -0.74f, 0.24f, 0.26f]).Select(table.Encode));
    }

    [Fact]
    public void UnitsAtBothEndsOfTheNormalRangeAreExact()
    {
        LevelTable table = UniformGrid.Create(4, LevelLayout.Full);
        float least = MathF.ScaleB(1, -126), tie = MathF.ScaleB(1, -127);
        LevelTable small = table.WithUnit(least), large = table.WithUnit(MathF.ScaleB(1, 123));
        Assert.Equal([.. table.Levels.ToArray().Select(level => level * (double)least)], small.Values.ToArray().Select(x => (double)x));
        Assert.Equal((8, 9, 8), (small.Encode(tie), small.Encode(MathF.BitIncrement(tie)), small.Encode(-tie)));
        Assert.Equal((0, 15), (small.Encode(-1), small.Encode(1)));
        Assert.Equal(-MathF.ScaleB(1, 126), large.Values[0]);
        Assert.Equal((8, 9, 15), (large.Encode(1e30f), large.Encode(1e37f), large.Encode(float.MaxValue)));
        Assert.Same(table, table.WithUnit(table.Unit));
        foreach (float unit in (float[])[tie, 0, -1, 3, float.PositiveInfinity, float.NaN])
            Refusal.Of<ArgumentException>("unit", () => table.WithUnit(unit));
    }

    [Fact]
    public void LevelsThatCoincideGiveTheNearestValueAllTheSame()
    {
        foreach (short[] levels in (short[][])[[0, 0, 1, 2], [-2, -2, -2, 5], [-1, 0, 0, 0], [3, 3, 3, 3]])
        {
            var table = new LevelTable(2, levels, 1, 1);
            float[] boundaries = table.Boundaries.ToArray();
            Assert.Equal(boundaries.Order(), boundaries);
            for (float x = -4; x <= 7; x += 0.125f)
                Assert.Equal(levels.Min(level => Math.Abs(level - x)), Math.Abs(table.Values[table.Encode(x)] - x));
        }
    }

    [Fact]
    public void FloatsAreLevelsToo()
    {
        LevelTable table = LevelTable.OfFloats(3, [-1000, -1, -1e-6f, 0, 1e-6f, 1, 1000], 0.5f);
        Assert.True(table.IsFloat && table.IsOddSymmetric && table.Levels.IsEmpty);
        Assert.False(table.FitsInSByte || table.IsRounding);
        Assert.Equal((7, 500f, 0.5f), (table.Count, table.LargestValue, table.Unit));
        Assert.Equal([0, 1, 1, 3, 3, 4, 5, 6], ((float[])[-300, -250, -0.4f, -1e-8f, 0, 6e-7f, 250, 251]).Select(table.Encode));
        foreach (float[] levels in (float[][])[[1, 0], [0], [0, float.NaN], [0, float.PositiveInfinity], [0, 1, 2, 3, 4]])
            Refusal.Of<ArgumentException>("levels", () => LevelTable.OfFloats(2, levels, 1));
        Refusal.Of<ArgumentException>("must be finite and ascend", () => LevelTable.OfFloats(2, [0, float.MaxValue], 2));
        Refusal.Of<ArgumentOutOfRangeException>("bits", () => LevelTable.OfFloats(1, [0, 1], 1));
        Refusal.Of<ArgumentOutOfRangeException>("bits", () => LevelTable.OfFloats(9, [0, 1], 1));
    }

    [Fact]
    public void FactsOfATableAreThoseOfItsLevels()
    {
        Assert.True(UniformGrid.Create(8, LevelLayout.Symmetric).IsOddSymmetric);
        Assert.False(UniformGrid.Create(8, LevelLayout.Full).IsOddSymmetric);
        Assert.Equal(1, UniformGrid.Create(8, LevelLayout.Full).LargestValue);
        Assert.Equal(7 / 8f, UniformGrid.Create(4, LevelLayout.Symmetric).LargestValue);
        Assert.True(new LevelTable(2, [-128, 127], 1, 1).FitsInSByte);
        Assert.False(new LevelTable(2, [-129, 127], 1, 1).FitsInSByte);
        Assert.False(new LevelTable(2, [-128, 128], 1, 1).FitsInSByte);
        Refusal.Of<ArgumentOutOfRangeException>("bits", () => new LevelTable(1, [0, 1], 1, 1));
        Refusal.Of<ArgumentOutOfRangeException>("bits", () => new LevelTable(9, [0, 1], 1, 1));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(8)]
    public void ANegativeScaleMirrorsTheCodesOfASymmetricTable(int bits)
    {
        var random = new Random(bits);
        IEnumerable<float> more = Enumerable.Range(0, 500).Select(i => i % 5 == 0 ? (i - 250) / 64f : random.NextSingle() * 4 - 2);
        float[] weights = [0, -0f, float.Epsilon, .. more];
        LevelTable uniform = UniformGrid.Create(bits, LevelLayout.Symmetric), power = PowerGrid.Create(bits, LevelLayout.Symmetric, 0.6);
        foreach (LevelTable table in (LevelTable[])[uniform, power])
        {
            byte[] plain = new byte[weights.Length], mirrored = new byte[weights.Length];
            GridKernels.Encode(weights, 0.75f, table, plain);
            GridKernels.Encode(weights, -0.75f, table, mirrored);
            Assert.Equal(plain.Select(code => (byte)(table.Count - 1 - code)), mirrored);
            Moments there = GridKernels.Project(weights, [], 0.75f, table), back = GridKernels.Project(weights, [], -0.75f, table);
            Assert.Equal(there.LevelLevel, back.LevelLevel, 1e-6 * there.LevelLevel);
            Assert.Equal(-there.WeightLevel, back.WeightLevel, 1e-6 * there.WeightLevel);
        }
    }

    [Fact]
    public void DenormalWeightsHaveCodesAtScalesThatSuitThem()
    {
        LevelTable table = UniformGrid.Create(3, LevelLayout.Symmetric);
        float[] weights = [.. ((int[])[-3, -2, -1, 0, 1, 2, 3, 9]).Select(i => i * float.Epsilon)];
        var codes = new byte[weights.Length];
        // The inverse scale 2^127 makes 2^-149 to 2^-22, a third of which is below half a level.
        GridKernels.Encode(weights, MathF.ScaleB(1, 127), table.WithUnit(MathF.ScaleB(1, -22)), codes);
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 6], codes);
    }
}
