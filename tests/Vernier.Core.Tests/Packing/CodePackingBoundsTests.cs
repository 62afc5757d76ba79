using Vernier.Packing;

namespace Vernier.Tests.Packing;

/// <summary>What packing leaves alone, and the bytes of rows that no array holds.</summary>
[UsesInstructions]
public class CodePackingBoundsTests
{
    public static TheoryData<int> AllBits => [2, 3, 4, 5, 6, 7, 8];

    [Theory]
    [MemberData(nameof(AllBits))]
    public void BytesBehindARowAreNotWrittenAndThoseBeforeNotRead(int bits)
    {
        foreach (int count in (int[])[0, 1, 7, 8, 9, 15, 16, 24, 63, 64, 65, 1000, 1408])
        {
            byte[] codes = [.. Enumerable.Range(0, count).Select(i => (byte)((i * 37 + 11) & ((1 << bits) - 1)))];
            int bytes = (int)CodePacking.BytesPerRow(count, bits);
            var memory = new byte[bytes + 32];
            memory.AsSpan().Fill(0xAB);
            CodePacking.Pack(codes, bits, memory.AsSpan(16, bytes));
            Assert.All(memory[..16], value => Assert.Equal(0xAB, value));
            Assert.All(memory[(16 + bytes)..], value => Assert.Equal(0xAB, value));
            var unpacked = new byte[count + 2];
            unpacked.AsSpan().Fill(0xCD);
            CodePacking.Unpack(memory.AsSpan(16, bytes), bits, unpacked.AsSpan(1, count));
            Assert.Equal([0xCD, .. codes, 0xCD], unpacked);
        }
    }

    [Theory]
    [MemberData(nameof(AllBits))]
    public void ALongerBufferHoldsTheSameRow(int bits)
    {
        byte[] codes = [.. Enumerable.Range(0, 61).Select(i => (byte)(i * 29 & ((1 << bits) - 1)))];
        int bytes = (int)CodePacking.BytesPerRow(codes.Length, bits);
        byte[] exact = new byte[bytes], longer = new byte[bytes + 24];
        longer.AsSpan(bytes).Fill(0xFF);
        CodePacking.Pack(codes, bits, exact);
        CodePacking.Pack(codes, bits, longer);
        Assert.Equal(exact, longer[..bytes]);
        // What a longer buffer holds behind the row is not taken for codes.
        longer.AsSpan(bytes).Fill(0xFF);
        var unpacked = new byte[codes.Length];
        CodePacking.Unpack(longer, bits, unpacked);
        Assert.Equal(codes, unpacked);
    }

    [Theory]
    [InlineData(0, 5, 0)]
    [InlineData(1, 2, 1)]
    [InlineData(8, 3, 3)]
    [InlineData(9, 3, 4)]
    [InlineData(int.MaxValue, 8, int.MaxValue)]
    [InlineData(int.MaxValue, 7, 1879048192)]
    [InlineData(1L << 40, 3, 3L << 37)]
    public void TheBytesOfARowAreRoundedUp(long count, int bits, long bytes) =>
        Assert.Equal(bytes, CodePacking.BytesPerRow(count, bits));

    [Fact]
    public void ARowThatIsTooLongOverflows() =>
        Assert.Throws<OverflowException>(() => CodePacking.BytesPerRow(long.MaxValue / 4, 8));
}
