using System.Text;
using Vernier.Files.Gguf;

namespace Vernier.Tests.Files.Gguf;

/// <summary>GGUF files in memory, valid or not, written byte by byte.</summary>
internal sealed class GgufBytes
{
    private readonly List<byte> _bytes = [];

    /// <summary>Begins a file.</summary>
    public static GgufBytes Begin(ulong tensors, ulong pairs, uint version = 3) =>
        new GgufBytes().Raw("GGUF"u8).Number(version).Number(tensors).Number(pairs);

    public GgufBytes Raw(ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public GgufBytes Number(uint value) => Raw(BitConverter.GetBytes(value));

    public GgufBytes Number(ulong value) => Raw(BitConverter.GetBytes(value));

    public GgufBytes Text(string text) => Number((ulong)Encoding.UTF8.GetByteCount(text)).Raw(Encoding.UTF8.GetBytes(text));

    /// <summary>A key and the type of its value, which follows.</summary>
    public GgufBytes Key(string key, GgufType type) => Text(key).Number((uint)type);

    /// <summary>The description of a tensor, dimensions as in the file: the fastest first.</summary>
    public GgufBytes Tensor(string name, uint type, ulong offset, params ulong[] dimensions)
    {
        Text(name).Number((uint)dimensions.Length);
        foreach (ulong dimension in dimensions)
            Number(dimension);
        return Number(type).Number(offset);
    }

    /// <summary>Ends the header and adds data.</summary>
    public byte[] Data(int bytes, int alignment = 32)
    {
        while (_bytes.Count % alignment != 0)
            _bytes.Add(0);
        return [.. _bytes, .. new byte[bytes]];
    }

    /// <summary>What the writer writes, given data of the right length for each tensor.</summary>
    public static byte[] Written(IEnumerable<KeyValuePair<string, GgufValue>> metadata,
        IReadOnlyList<(GgufTensor Info, byte[] Data)> tensors)
    {
        using var folder = new TempFolder();
        using (var writer = new GgufWriter(folder["x"], metadata, [.. tensors.Select(tensor => tensor.Info)]))
        {
            foreach ((GgufTensor info, byte[] data) in tensors)
                writer.Write(info.Name, data);
            writer.Complete();
            Assert.Equal(writer.Size, new FileInfo(folder["x"]).Length);
        }
        return File.ReadAllBytes(folder["x"]);
    }

    /// <summary>A value of every type, arrays of every type and nested arrays among them.</summary>
    public static List<KeyValuePair<string, GgufValue>> EveryValue()
    {
        object[] values =
        [
            (byte)200, (sbyte)-3, (ushort)60000, (short)-30000, 4000000000u, -2000000000, 1.5f, true, "text é 😀", ulong.MaxValue,
                long.MinValue, Math.PI,
            new byte[] { 1, 2 }, new sbyte[] { -1 }, new ushort[] { 7 }, new short[] { -7 }, new uint[] { 9, 10 }, new[] { -9 },
                new[] { 0.5f, float.NaN }, new[] { true, false },
            new[] { "a", "", "ü" }, new[] { 1UL }, new[] { -1L }, new[] { 2.5 }, Array.Empty<string>(), Array.Empty<int>(),
            new[] { GgufValue.Of(new[] { 1, 2 }), GgufValue.Of(new[] { "x" }), GgufValue.Of(new[] { GgufValue.Of(Array.Empty<float>()) }) },
        ];
        return [.. values.Select((value, i) => KeyValuePair.Create($"key.{i}", GgufValue.Of(value)))];
    }

    public static (GgufTensor Info, byte[] Data) Tensor(Random random, string name, GgufTensorType type, params long[] shape)
    {
        var info = new GgufTensor(name, type, shape);
        byte[] data = new byte[info.Bytes];
        random.NextBytes(data);
        return (info, data);
    }

    public static GgufFile Open(byte[] file) => GgufFile.Open(file, "test.gguf");
}
