using System.Text;
using Vernier.Files;
using Vernier.Files.Safetensors;

namespace Vernier.Tests;

public class SafetensorsWriterTests
{
    private static readonly ElementType[] Types = Enum.GetValues<ElementType>();

    [Fact]
    public void RandomTensorsComeBackByteForByte()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            List<(TensorInfo Info, byte[] Data)> tensors = RandomTensors(random);
            Dictionary<string, string> metadata = Enumerable.Range(0, random.Next(4))
                .ToDictionary(i => RandomName(random, i), i => RandomName(random, i));
            TensorInfo[] infos = [.. tensors.Select(tensor => tensor.Info)];
            using var folder = new TempFolder();
            string path = folder["x.safetensors"];
            using (var writer = new SafetensorsWriter(path, infos, metadata))
            {
                foreach ((TensorInfo info, byte[] data) in tensors)
                    WriteInPieces(writer, random, info, data);
                Assert.Null(writer.Current);
                writer.Complete();
            }

            Assert.Equal(SafetensorsWriter.SizeOf(infos, metadata), new FileInfo(path).Length);
            using SafetensorsFile file = SafetensorsFile.Open(path);
            Assert.Equal(metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal), file.Metadata);
            Assert.Equal(tensors.Count, file.Tensors.Count);
            foreach ((TensorInfo info, byte[] data) in tensors)
            {
                Assert.Equal(info.Type, file[info.Name].Type);
                Assert.Equal(info.Shape, file[info.Name].Shape);
                Assert.True(data.AsSpan().SequenceEqual(file.Bytes(info.Name)), $"seed {seed}, {info.Name}");
            }
        }
    }

    [Fact]
    public unsafe void EveryElementOfAWrittenFileIsAligned()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            byte[] bytes = SafetensorsBytes.Written(RandomTensors(new Random(seed)));
            byte[] aligned = GC.AllocateUninitializedArray<byte>(bytes.Length, pinned: true);
            bytes.CopyTo(aligned, 0);
            using SafetensorsFile file = SafetensorsBytes.Open(aligned);
            foreach (TensorInfo tensor in file.Tensors.Where(tensor => tensor.Bytes > 0))
            {
                fixed (byte* first = file.Bytes(tensor.Name))
                fixed (byte* start = aligned)
                    Assert.Equal(0, (first - start) % Math.Max(1, tensor.Type.Bits() / 8));
            }
        }
    }

    [Fact]
    public void TheGivenOrderIsKeptWhereItIsAligned()
    {
        TensorInfo[] aligned = [new("b", ElementType.U8, [4]), new("a", ElementType.F32, [1]), new("c", ElementType.F16, [2])];
        Assert.Equal(["b", "a", "c"], Names(aligned));
        TensorInfo[] odd = [new("b", ElementType.U8, [3]), new("a", ElementType.F32, [1]), new("d", ElementType.F16, [1]),
            new("c", ElementType.F16, [2])];
        Assert.Equal(["a", "d", "c", "b"], Names(odd));

        static IEnumerable<string> Names(TensorInfo[] tensors)
        {
            using SafetensorsFile file = SafetensorsBytes.Open(
                SafetensorsBytes.Written([.. tensors.Select(tensor => (tensor, new byte[tensor.Bytes]))]));
            return [.. file.Tensors.Select(tensor => tensor.Name)];
        }
    }

    /// <summary>The bytes that the reference implementation writes for these tensors.</summary>
    [Fact]
    public void TheBytesAreThoseOfTheReferenceImplementation()
    {
        byte[] data = [0, 0, 0, 0, 0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64, 0, 0, 128, 64, 0, 0, 160, 64];
        Assert.Equal(
            SafetensorsBytes.Of("""{"attn0":{"dtype":"F32","shape":[1,1,2,3],"data_offsets":[0,24]}}       """, data),
            SafetensorsBytes.Written([(new TensorInfo("attn0", ElementType.F32, [1, 1, 2, 3]), data)]));
        Assert.Equal(SafetensorsBytes.Of("{}      ", []), SafetensorsBytes.Written([]));
        Assert.Equal(
            SafetensorsBytes.Of("""{"__metadata__":{"framework":"pt"}}     """, []),
            SafetensorsBytes.Written([], new Dictionary<string, string> { ["framework"] = "pt" }));
    }

    [Fact]
    public void TheSampleIsWrittenAsItWas()
    {
        string path = Path.Combine(SharedData.Quill, "model.safetensors");
        using SafetensorsFile sample = SafetensorsFile.Open(path);
        byte[] written = SafetensorsBytes.Written(
            [.. sample.Tensors.Select(tensor => (tensor, sample.Bytes(tensor.Name).ToArray()))], sample.Metadata);
        Assert.True(written.AsSpan().SequenceEqual(File.ReadAllBytes(path)));
    }

    [Fact]
    public void NothingIsLeftBehindWithoutCompletion()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder["x"], "before");
        using (var writer = new SafetensorsWriter(folder["x"], [new("a", ElementType.U8, [10])]))
        {
            writer.Write([1, 2, 3]);
            Assert.Equal(["x", "x.partial"], folder.Names);
            Assert.Contains("lacks 7 bytes", Assert.Throws<InvalidOperationException>(writer.Complete).Message, StringComparison.Ordinal);
        }
        Assert.Equal(["x"], folder.Names);
        Assert.Equal("before", File.ReadAllText(folder["x"]));
    }

    [Fact]
    public void AnotherWriterIsRefusedAndALeftoverReplaced()
    {
        using var folder = new TempFolder();
        TensorInfo[] tensors = [new("a", ElementType.U8, [1])];
        File.WriteAllText(folder["x.partial"], "left over from a run that was killed, and longer than the file will be: "
            + new string('.', 1000));
        using (var writer = new SafetensorsWriter(folder["x"], tensors))
        {
            Refusal.Of<IOException>("x.partial", () => new SafetensorsWriter(folder["x"], tensors));
            writer.Write([1]);
            writer.Complete();
        }
        Assert.Equal(["x"], folder.Names);
        Assert.Equal(SafetensorsWriter.SizeOf(tensors), new FileInfo(folder["x"]).Length);
    }

    [Fact]
    public void WritingOutOfTurnIsRefused()
    {
        using var folder = new TempFolder();
        using var writer = new SafetensorsWriter(
            folder["x"], [new("z", ElementType.U8, [0]), new("a", ElementType.U8, [2]), new("b", ElementType.U8, [1])]);
        Assert.Equal("a", writer.Current?.Name);
        writer.Write("z", []);
        Refusal.Of<InvalidOperationException>("tensor 'b' was given, but 'a' comes next", () => writer.Write("b", [1]));
        Refusal.Of<InvalidOperationException>("tensor 'a' lacks 2 bytes, but 3 were given", () => writer.Write("a", [1, 2, 3]));
        writer.Write("a", [1, 2]);
        writer.Write([3]);
        Refusal.Of<InvalidOperationException>("all tensors are written already", () => writer.Write([4]));
        writer.Complete();
        Refusal.Of<ObjectDisposedException>("Vernier.Files.Safetensors.SafetensorsWriter", () => writer.Write([4]));
    }

    [Fact]
    public void TensorsThatNoReaderWouldTakeAreRefused()
    {
        (string What, TensorInfo[] Tensors)[] faulty =
        [
            ("the name is reserved", [new("__metadata__", ElementType.U8, [])]),
            ("the name has half of a surrogate pair", [new("\ud800", ElementType.U8, [])]),
            ("two tensors have this name", [new("a", ElementType.U8, []), new("a", ElementType.U8, [])]),
            ("a dimension is negative", [new("a", ElementType.U8, [-1])]),
            ("more than 64 dimensions", [new("a", ElementType.U8, [.. Enumerable.Repeat(1L, 65)])]),
            ("do not fill whole bytes", [new("a", ElementType.F4, [3])]),
            ("more than 2^63 - 1 elements or bytes", [new("a", ElementType.F64, [1L << 60])]),
            ("more than 2^63 - 1 elements or bytes", [new("a", ElementType.F64, [1L << 60, 1L << 60])]),
        ];
        foreach ((string what, TensorInfo[] tensors) in faulty)
            Refusal.Of<ArgumentException>(what, () => SafetensorsWriter.SizeOf(tensors));
        Refusal.Of<ArgumentException>("Metadata 'a' cannot be written: it has half of a surrogate pair",
            () => SafetensorsWriter.SizeOf([], new Dictionary<string, string> { ["a"] = "\udc00" }));
        Assert.Throws<OverflowException>(() => SafetensorsWriter.SizeOf(
            [new("a", ElementType.U8, [long.MaxValue]), new("b", ElementType.U8, [long.MaxValue])]));
    }

    private static List<(TensorInfo Info, byte[] Data)> RandomTensors(Random random)
    {
        var tensors = new List<(TensorInfo Info, byte[] Data)>();
        int count = random.Next(0, 12);
        for (int i = 0; i < count; i++)
        {
            ElementType type = Types[random.Next(Types.Length)];
            long[] shape = [.. Enumerable.Range(0, random.Next(5)).Select(_ => (long)random.Next(0, 7))];
            if (type.Bits() < 8)
                shape = [.. shape, 4];
            tensors.Add(SafetensorsBytes.Tensor(random, RandomName(random, i), type, shape));
        }
        return tensors;
    }

    private static string RandomName(Random random, int i)
    {
        string[] runes = ["a", ".", "\"", "\\", "/", "é", "层", "😀", "\u0001", "\u007f", "\u2028", "'", "<", " ", "\u0000"];
        var name = new StringBuilder();
        for (int n = random.Next(8); n > 0; n--)
            name.Append(runes[random.Next(runes.Length)]);
        return name.Append(i).ToString();
    }

    private static void WriteInPieces(SafetensorsWriter writer, Random random, TensorInfo info, ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            Assert.Equal(info.Name, writer.Current?.Name);
            int n = random.Next(1, data.Length + 1);
            writer.Write(info.Name, data[..n]);
            data = data[n..];
        }
    }
}
