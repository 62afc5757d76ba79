using Vernier.Grids;
using Vernier.Grids.Uniform;
using Vernier.Levels;

namespace Vernier.Tests.Grids;

public class UniformGridTests
{
    public static TheoryData<int> AllBits => [2, 3, 4, 5, 6, 7, 8];

    [Theory]
    [MemberData(nameof(AllBits))]
    public void SymmetricLeavesOneCodeAndFullUsesAll(int bits)
    {
        int half = 1 << (bits - 1);
        LevelTable symmetric = UniformGrid.Create(bits, LevelLayout.Symmetric), full = UniformGrid.Create(bits, LevelLayout.Full);
        Assert.Equal(2 * half - 1, symmetric.Levels.Length);
        Assert.Equal(1 - half, symmetric.Levels[0]);
        Assert.Equal(half - 1, symmetric.Levels[^1]);
        Assert.True(symmetric.IsOddSymmetric);
        Assert.Equal(2 * half, full.Levels.Length);
        Assert.Equal(-half, full.Levels[0]);
        Assert.False(full.IsOddSymmetric);
    }

    [Theory]
    [MemberData(nameof(AllBits))]
    public void MidRiseIsOddIntegersWithoutZero(int bits)
    {
        LevelTable table = UniformGrid.Create(bits, LevelLayout.MidRise);
        Assert.Equal(1 << bits, table.Levels.Length);
        Assert.True(table.IsOddSymmetric);
        Assert.DoesNotContain((short)0, table.Levels.ToArray());
        Assert.All(table.Levels.ToArray(), level => Assert.NotEqual(0, level % 2));
    }

    [Theory]
    [MemberData(nameof(AllBits))]
    public void EncodingIsRoundHalfToEvenAndClipped(int bits)
    {
        LevelTable table = UniformGrid.Create(bits, LevelLayout.Full);
        int half = 1 << (bits - 1);
        var random = new Random(bits);
        for (int i = 0; i < 20_000; i++)
        {
            // Every fourth value is an exact tie.
            double index = i % 4 == 0 ? random.Next(-half - 2, half + 2) + 0.5 : (random.NextDouble() - 0.5) * 2.5 * half;
            int expected = (int)Math.Clamp(Math.Round((double)(float)(index * table.Unit) / table.Unit, MidpointRounding.ToEven), -half,
                half - 1);
            Assert.Equal(expected + half, table.Encode((float)(index * table.Unit)));
        }
    }
}
