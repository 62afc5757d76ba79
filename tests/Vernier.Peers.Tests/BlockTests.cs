using Vernier.Files.Gguf.Blocks;

namespace Vernier.Tests;

/// <summary>Blocks beside ggml's, byte by byte and bit by bit.</summary>
public class BlockTests
{
    private const int Columns = 1280;

    public static TheoryData<string> Formats => [.. BlockFormats.All.Select(format => format.Name)];

    [Theory]
    [MemberData(nameof(Formats))]
    public void EncodesTheBytesOfGgml(string name) => Compare(name, importance: false);

    [Theory]
    [MemberData(nameof(Formats))]
    public void EncodesTheBytesOfGgmlWithImportance(string name) => Compare(name, importance: true);

    [Theory]
    [MemberData(nameof(Formats))]
    public void DecodesAnyBlockToTheBitsOfGgml(string name)
    {
        Assert.True(BlockFormats.TryGet(name, out BlockFormat? format));
        var random = new Random(11);
        var blocks = new byte[4000 * format.BlockBytes];
        random.NextBytes(blocks);
        float[] theirs = new float[4000 * format.BlockColumns], ours = new float[theirs.Length];
        Peer.Ggml.Dequantize(name, blocks, theirs);
        format.Decode(blocks, ours);
        AssertSameBits(theirs, ours, name);
    }

    private static void Compare(string name, bool importance)
    {
        Assert.True(BlockFormats.TryGet(name, out BlockFormat? format));
        var different = new List<string>();
        for (int seed = 0; seed < 8; seed++)
        {
            float[] h = importance ? BlockInputs.Importance(Columns, seed) : [];
            foreach ((string input, float[] row) in BlockInputs.Finite(Columns, seed))
            {
                byte[] theirs = new byte[format.BytesOf(Columns)], ours = new byte[theirs.Length], plain = new byte[theirs.Length];
                Peer.Ggml.Quantize(format.TypeId, row, Columns, h, theirs);
                format.Encode(row, h, ours);
                format.EncodePlain(row, h, plain);
                if (!theirs.AsSpan().SequenceEqual(ours) || !theirs.AsSpan().SequenceEqual(plain))
                    different.Add($"{input} {seed}: blocks {Blocks(theirs, ours, format)} of the fast, {Blocks(theirs, plain, format)} "
                        + $"of the plain way");
                float[] decodedTheirs = new float[Columns], decoded = new float[Columns];
                Peer.Ggml.Dequantize(name, theirs, decodedTheirs);
                format.Decode(theirs, decoded);
                AssertSameBits(decodedTheirs, decoded, $"{name} {input}");
            }
        }
        Assert.True(different.Count == 0, $"{name}: {string.Join("; ", different)}");
    }

    private static string Blocks(byte[] theirs, byte[] ours, BlockFormat format) => string.Join(',',
        Enumerable.Range(0, theirs.Length / format.BlockBytes)
            .Where(b => !theirs.AsSpan(b * format.BlockBytes, format.BlockBytes)
            .SequenceEqual(ours.AsSpan(b * format.BlockBytes, format.BlockBytes))).Take(5));

    // Of what is no number, only that is compared.
    private static void AssertSameBits(float[] theirs, float[] ours, string what)
    {
        for (int i = 0; i < theirs.Length; i++)
            Assert.True(BitConverter.SingleToInt32Bits(theirs[i]) == BitConverter.SingleToInt32Bits(ours[i]) || float.IsNaN(theirs[i])
                && float.IsNaN(ours[i]), $"{what}: weight {i} is {theirs[i]:R} and {ours[i]:R}");
    }
}
