using Vernier.Packing;

namespace Vernier.Tests.Packing;

/// <summary>Finite halves, many at a time.</summary>
[UsesInstructions]
public class HalfNumbersTests
{
    [Fact]
    public void EveryHalfIsFiniteOrNotAsItselfSays()
    {
        for (int bits = 0; bits <= ushort.MaxValue; bits++)
        {
            var half = BitConverter.UInt16BitsToHalf((ushort)bits);
            Assert.True(Half.IsFinite(half) == HalfNumbers.AreFinite([half]), $"{bits:X4}");
        }
    }

    [Theory]
    [InlineData(0x7C00)]
    [InlineData(0xFC00)]
    [InlineData(0x7C01)]
    [InlineData(0xFFFF)]
    [InlineData(0x7E00)]
    public void OneThatIsNotFiniteIsFoundAtEveryPlace(int bits)
    {
        Half wrong = BitConverter.UInt16BitsToHalf((ushort)bits);
        foreach (int length in (int[])[1, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130])
        {
            // All bits but the last of the exponent: as near to infinity as a finite number comes.
            var halves = new Half[length + 2];
            Array.Fill(halves, BitConverter.UInt16BitsToHalf(0xFBFF));
            (halves[0], halves[^1]) = (wrong, wrong);
            Span<Half> inside = halves.AsSpan(1, length);
            Assert.True(HalfNumbers.AreFinite(inside));
            for (int i = 0; i < length; i++)
            {
                Half before = inside[i];
                inside[i] = wrong;
                Assert.False(HalfNumbers.AreFinite(inside), $"{i} of {length}");
                inside[i] = before;
            }
        }
        Assert.True(HalfNumbers.AreFinite([]));
    }
}
