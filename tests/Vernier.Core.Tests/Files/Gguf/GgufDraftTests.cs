using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;

namespace Vernier.Tests.Files.Gguf;

/// <summary>A file that is written in any order, read as it comes into being, and continued.</summary>
public class GgufDraftTests
{
    private static readonly KeyValuePair<string, GgufValue>[] s_metadata =
        [KeyValuePair.Create("general.name", GgufValue.Of("draft")), KeyValuePair.Create(GgufFile.AlignmentKey, GgufValue.Of(64u))];

    private static readonly GgufTensor[] s_tensors =
    [
        new("a", GgufTensorType.F32, [3, 5]), new("none", GgufTensorType.F16, [0, 4]),
        new("b", GgufTensorType.Of(BlockFormats.Q4_0), [2, 64]), new("c", GgufTensorType.BF16, [7]),
    ];

    [Fact]
    public void ADraftInAnyOrderIsWhatAWriterWrites()
    {
        using var folder = new TempFolder();
        var random = new Random(4);
        (GgufTensor Info, byte[] Data)[] tensors =
            [.. s_tensors.Select(tensor => GgufBytes.Tensor(random, tensor.Name, tensor.Type, [.. tensor.Shape]))];
        byte[] expected = GgufBytes.Written(s_metadata, tensors);
        random.Shuffle(tensors);
        var draft = new GgufDraft(folder["x"], s_metadata, s_tensors);
        Assert.Equal((expected.Length, GgufWriter.SizeOf(s_metadata, s_tensors)), (draft.Size, draft.Size));
        foreach ((GgufTensor info, byte[] data) in tensors)
        {
            int cut = random.Next(data.Length + 1);
            draft.Write(info.Name, cut, data.AsSpan(cut));
            draft.Write(info.Name, 0, data.AsSpan(0, cut));
            var back = new byte[data.Length];
            draft.Read(info.Name, 0, back);
            Assert.Equal(data, back);
        }
        draft.Flush();
        Assert.Equal(expected, File.ReadAllBytes(folder["x"]));
    }

    [Fact]
    public void ADraftIsContinuedUnlessItIsOfSomethingElse()
    {
        using var folder = new TempFolder();
        var draft = new GgufDraft(folder["x"], s_metadata, s_tensors);
        draft.Write("c", 4, [1, 2, 3]);
        Assert.Equal([0, 1, 2, 3, 0], Read(new GgufDraft(folder["x"], s_metadata, s_tensors)));
        Assert.Equal([0, 0, 0, 0, 0], Read(new GgufDraft(folder["x"], s_metadata[1..], s_tensors)));
        draft = new GgufDraft(folder["x"], s_metadata, s_tensors);
        draft.Write("c", 4, [1, 2, 3]);
        using (FileStream file = File.OpenWrite(folder["x"]))
            file.SetLength(file.Length - 1);
        Assert.Equal([0, 0, 0, 0, 0], Read(new GgufDraft(folder["x"], s_metadata, s_tensors)));

        static byte[] Read(GgufDraft draft)
        {
            var bytes = new byte[5];
            draft.Read("c", 3, bytes);
            return bytes;
        }
    }

    [Fact]
    public void NothingIsWrittenOrReadBeyondATensor()
    {
        using var folder = new TempFolder();
        var draft = new GgufDraft(folder["x"], s_metadata, s_tensors);
        byte[] before = File.ReadAllBytes(folder["x"]);
        foreach ((long first, int count) in ((long, int)[])[(-1, 1), (14, 1), (0, 15), (long.MaxValue, 1)])
        {
            Refusal.Of<ArgumentOutOfRangeException>("firstByte", () => draft.Write("c", first, new byte[count]));
            Refusal.Of<ArgumentOutOfRangeException>("firstByte", () => draft.Read("c", first, new byte[count]));
        }
        Refusal.Of<KeyNotFoundException>("'d'", () => draft.Write("d", 0, []));
        draft.Write("c", 14, []);
        draft.Write("none", 0, []);
        Assert.Equal(before, File.ReadAllBytes(folder["x"]));
        using (FileStream file = File.OpenWrite(folder["x"]))
            file.SetLength(100);
        Assert.Contains("shorter", Assert.Throws<IOException>(() => draft.Read("c", 0, new byte[14])).Message, StringComparison.Ordinal);
    }
}
