using Vernier.Levels;

namespace Vernier.Tests.Grids;

/// <summary>Scales next to what is wanted, in each way of storing them.</summary>
public class StoredScaleTests
{
    [Theory]
    [InlineData(0, -24)]
    [InlineData(1e-30, -24)]
    [InlineData(1, 0)]
    [InlineData(1.5, 0)]
    [InlineData(1.5000001, 1)]
    [InlineData(3, 1)]
    [InlineData(48, 5)]
    [InlineData(49, 6)]
    [InlineData(1e30, 15)]
    public void PowersOfTwoAreTheNearestAndOfEqualsTheSmaller(double scale, int power) =>
        Assert.Equal((Half)Math.ScaleB(1, power), StoredScale.Nearest(scale, ScaleFormat.E8M0));

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(0, 0)]
    [InlineData(0.0009765625, 0)]
    [InlineData(0.00098, 0.001953125)]
    [InlineData(1.0625, 1)]
    [InlineData(1.07, 1.125)]
    [InlineData(432, 416)]
    [InlineData(432.1, 448)]
    [InlineData(1e9, 448)]
    public void E4M3IsTheNearestAndOfEqualsTheSmaller(double scale, double expected) =>
        Assert.Equal((Half)expected, StoredScale.Nearest(scale, ScaleFormat.E4M3));

    [Fact]
    public void NumbersOfAFormatAscendAndBytesWithoutOneAreNoNumbers()
    {
        Assert.Equal(40, StoredScale.Values(ScaleFormat.E8M0).Length);
        Assert.Equal(127, StoredScale.Values(ScaleFormat.E4M3).Length);
        Assert.Equal((Half)448, StoredScale.Values(ScaleFormat.E4M3)[^1]);
        Assert.Equal((127, 56), (StoredScale.Encode((Half)1, ScaleFormat.E8M0), StoredScale.Encode((Half)1, ScaleFormat.E4M3)));
        Assert.True(Half.IsNaN(StoredScale.Decode(102, ScaleFormat.E8M0)) && Half.IsNaN(StoredScale.Decode(143, ScaleFormat.E8M0)));
        Assert.Equal((Half.Epsilon, (Half)32768), (StoredScale.Decode(103, ScaleFormat.E8M0), StoredScale.Decode(142, ScaleFormat.E8M0)));
        Assert.True(Half.IsNaN(StoredScale.Decode(127, ScaleFormat.E4M3)) && Half.IsNaN(StoredScale.Decode(255, ScaleFormat.E4M3)));
        Refusal.Of<ArgumentException>("the scale 3 is no number of E8M0", () => StoredScale.Encode((Half)3, ScaleFormat.E8M0));
        Refusal.Of<ArgumentException>("the scale -1 is no number of E4M3", () => StoredScale.Encode((Half)(-1), ScaleFormat.E4M3));
        Refusal.Of<ArgumentOutOfRangeException>("format", () => StoredScale.Values(ScaleFormat.Half).Length);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void TheIndexOfATableCostsNoMoreThanTheNearestNumberThatHasIt(int tables)
    {
        Half[] positive = [.. Enumerable.Range(0, 0x7C00).Select(bits => BitConverter.UInt16BitsToHalf((ushort)bits))];
        double[] scales = [0, 1e-9, 5.9e-8, 6.1e-5, 0.1, 1, 1.0005, Math.PI, 1023.4, 65504, -0.3, -1e-7, -60000];
        for (int table = 0; table < tables; table++)
        {
            double[] having = [.. positive.Where((_, bits) => bits % tables == table).Select(half => (double)half)];
            foreach (double scale in scales)
            {
                Half stored = StoredScale.Nearest(scale, table, tables);
                Assert.Equal(table, BitConverter.HalfToUInt16Bits(stored) & (tables - 1));
                Assert.True(scale == 0 || Math.Sign(scale) * (double)stored >= 0);
                Assert.Equal(having.Min(x => Math.Abs(x - Math.Abs(scale))), Math.Abs((double)stored - scale));
            }
        }
        Assert.Equal(Half.PositiveInfinity, StoredScale.Nearest(1e6, 0, tables));
        Assert.True(Half.IsNaN(StoredScale.Nearest(double.NaN, 0, tables)));
    }

    [Fact]
    public void SplitsAreTheFormatsThatLeaveRoomForTheSign()
    {
        Assert.Equal(["e1m2", "e2m1", "e3m0"], MinifloatFormat.Splits(4, [1, 2, 3, 4, 7]).Select(format => $"{format}"));
        Assert.Equal("e1m0", Assert.Single(MinifloatFormat.Splits(2, [1, 2, 3])).ToString());
        Assert.Empty(MinifloatFormat.Splits(2, [2]));
        foreach (string name in (string[])["e1m0", "e2m3", "e7m0", "ocp-e4m3", "ocp-e5m2"])
        {
            Assert.True(MinifloatFormat.TryParse(name, out MinifloatFormat format));
            Assert.Equal(name, format.ToString());
        }
        Assert.Equal([0, 1, 2, 3, 4, 6, 8, 12], new MinifloatFormat(2, 1).Magnitudes());
        Assert.Equal([0, 1, 2, 4, 8, 16, 32, 64], new MinifloatFormat(3, 0).Magnitudes());
        Assert.Equal((448 * 512.0, 57344 * 65536.0), (Ocp("ocp-e4m3").Largest, Ocp("ocp-e5m2").Largest));

        static MinifloatFormat Ocp(string name) => MinifloatFormat.TryParse(name, out MinifloatFormat format) ? format : default;
    }
}
