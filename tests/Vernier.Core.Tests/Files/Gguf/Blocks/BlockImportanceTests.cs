using Vernier.Files.Gguf.Blocks;

namespace Vernier.Tests.Packing.Ggml;

/// <summary>Rows of zeros in every block format, whatever counts how much.</summary>
[UsesInstructions]
public class BlockImportanceTests
{
    private const int Columns = 512;

    public static TheoryData<string> Formats => [.. BlockFormats.All.Select(format => format.Name)];

    [Theory]
    [MemberData(nameof(Formats))]
    public void RowsOfZerosStayZero(string name)
    {
        Assert.True(BlockFormats.TryGet(name, out BlockFormat? format));
        var blocks = new byte[format.BytesOf(Columns)];
        var back = new float[Columns];
        foreach (float[] importance in (float[][])[[],
            .. ((float[])[0, 1e-44f, 1, 1e38f]).Select(number => Enumerable.Repeat(number, Columns)
            .ToArray())])
        {
            format.Encode(new float[Columns], importance, blocks);
            format.Decode(blocks, back);
            Assert.All(back, number => Assert.Equal(0, number));
        }
    }
}
