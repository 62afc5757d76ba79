using Vernier.Levels;

namespace Vernier.Tests.Grids;

/// <summary>Names and magnitudes of minifloats.</summary>
public class MinifloatFormatTests
{
    public static TheoryData<int> AllBits => [2, 3, 4, 5, 6, 7, 8];

    [Theory]
    [InlineData("e1m0", 1, 0, ReservedCodes.None)]
    [InlineData("e7m0", 7, 0, ReservedCodes.None)]
    [InlineData("e1m6", 1, 6, ReservedCodes.None)]
    [InlineData("e4m3", 4, 3, ReservedCodes.None)]
    [InlineData("ocp-e4m3", 4, 3, ReservedCodes.LastCode)]
    [InlineData("ocp-e5m2", 5, 2, ReservedCodes.LastExponent)]
    public void ANameComesBack(string name, int exponent, int mantissa, ReservedCodes reserved)
    {
        Assert.True(MinifloatFormat.TryParse(name, out MinifloatFormat format));
        Assert.Equal(new MinifloatFormat(exponent, mantissa, reserved), format);
        Assert.Equal(name, format.ToString());
        Assert.Equal(1 + exponent + mantissa, format.Bits);
    }

    [Theory]
    [InlineData("e2m1\n")]
    [InlineData(" e2m1")]
    [InlineData("e2m1 ")]
    [InlineData("E2M1")]
    [InlineData("e7m1")]
    [InlineData("e0m3")]
    [InlineData("e8m0")]
    [InlineData("e-1m3")]
    [InlineData("e\u0662m1")]
    [InlineData("e02m1")]
    [InlineData("ocp-")]
    [InlineData("ocp-e2m1")]
    [InlineData("ocp-e4m2")]
    [InlineData("ocp-e5m3")]
    [InlineData("OCP-e4m3")]
    [InlineData("ocp-ocp-e4m3")]
    public void OtherTextsAreNoNames(string name) => Assert.False(MinifloatFormat.TryParse(name, out _));

    [Theory]
    [MemberData(nameof(AllBits))]
    public void SplitsAreAllThatLeaveRoomForTheSign(int bits)
    {
        IReadOnlyList<MinifloatFormat> splits = MinifloatFormat.Splits(bits, [1, 2, 3, 4, 5, 6, 7]);
        Assert.Equal(bits - 1, splits.Count);
        Assert.All(splits, format => Assert.Equal(bits, format.Bits));
        Assert.Equal(Enumerable.Range(1, bits - 1), splits.Select(format => format.ExponentBits));
        foreach (MinifloatFormat format in splits)
        {
            double[] magnitudes = format.Magnitudes();
            Assert.Equal(1 << (bits - 1), magnitudes.Length);
            Assert.Equal((0.0, 1.0), (magnitudes[0], magnitudes[1]));
            Assert.Equal(magnitudes.Distinct().Order(), magnitudes);
            Assert.Equal(format.Largest, magnitudes[^1]);
        }
    }

    /// <summary>The published extremes: the largest number and the smallest one of each format, without its bias.</summary>
    [Theory]
    [InlineData("e2m1", 6, -1)]
    [InlineData("e2m3", 7.5, -3)]
    [InlineData("e3m2", 28, -4)]
    [InlineData("ocp-e4m3", 448, -9)]
    [InlineData("ocp-e5m2", 57344, -16)]
    public void TheLargestNumberIsThePublishedOne(string name, double largest, int exponentOfSmallest)
    {
        Assert.True(MinifloatFormat.TryParse(name, out MinifloatFormat format));
        Assert.Equal(largest, Math.ScaleB(format.Largest, exponentOfSmallest));
    }

    [Fact]
    public void EveryCodeOfEightBitsIsThePublishedNumber()
    {
        double[] e4m3 = new MinifloatFormat(4, 3, ReservedCodes.LastCode).Magnitudes(),
            e5m2 = new MinifloatFormat(5, 2, ReservedCodes.LastExponent).Magnitudes();
        Assert.Equal((127, 124), (e4m3.Length, e5m2.Length));
        for (int code = 0; code < e4m3.Length; code++)
            Assert.Equal(Math.ScaleB(code < 8 ? code : 8 + code % 8, Math.Max(code / 8, 1) - 10), Math.ScaleB(e4m3[code], -9));
        // The upper byte of a half is that of e5m2.
        for (int code = 0; code < e5m2.Length; code++)
            Assert.Equal((double)BitConverter.UInt16BitsToHalf((ushort)(code << 8)), Math.ScaleB(e5m2[code], -16));
    }
}
