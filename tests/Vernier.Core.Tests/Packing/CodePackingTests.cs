using Vernier.Packing;

namespace Vernier.Tests.Packing;

[UsesInstructions]
public class CodePackingTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void EveryLengthComesBackAndFillsTheBitsInOrder(int bits)
    {
        var random = new Random(bits);
        for (int count = 0; count <= 300; count++)
        {
            var codes = new byte[count];
            for (int i = 0; i < count; i++)
                codes[i] = (byte)random.Next(1 << bits);
            var packed = new byte[(count * bits + 7) / 8];
            Assert.Equal(packed.Length, CodePacking.BytesPerRow(count, bits));
            CodePacking.Pack(codes, bits, packed);
            for (int i = 0; i < count * bits; i++)
                Assert.Equal((codes[i / bits] >> (i % bits)) & 1, (packed[i / 8] >> (i % 8)) & 1);
            for (int i = count * bits; i < packed.Length * 8; i++)
                Assert.Equal(0, (packed[i / 8] >> (i % 8)) & 1);
            var unpacked = new byte[count];
            CodePacking.Unpack(packed, bits, unpacked);
            Assert.Equal(codes, unpacked);
        }
    }

    [Fact]
    public void ShortBuffersAndOddBitsAreRefused()
    {
        Refusal.Of<ArgumentOutOfRangeException>("packed", () => CodePacking.Pack(new byte[8], 3, new byte[2]));
        Refusal.Of<ArgumentOutOfRangeException>("packed", () => CodePacking.Unpack(new byte[2], 3, new byte[8]));
        Refusal.Of<ArgumentOutOfRangeException>("bits", () => CodePacking.Unpack(new byte[8], 1, new byte[8]));
        Refusal.Of<ArgumentOutOfRangeException>("bits", () => CodePacking.Pack(new byte[8], 9, new byte[16]));
    }
}
