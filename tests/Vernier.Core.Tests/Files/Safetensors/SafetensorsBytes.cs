using System.Buffers.Binary;
using System.Text;
using Vernier.Files;
using Vernier.Files.Safetensors;

namespace Vernier.Tests;

/// <summary>Safetensors files in memory, valid or not.</summary>
internal static class SafetensorsBytes
{
    /// <summary>A header as it stands, with its true size before it and data behind it.</summary>
    public static byte[] Of(ReadOnlySpan<byte> header, ReadOnlySpan<byte> data)
    {
        byte[] file = new byte[8 + header.Length + data.Length];
        BinaryPrimitives.WriteInt64LittleEndian(file, header.Length);
        header.CopyTo(file.AsSpan(8));
        data.CopyTo(file.AsSpan(8 + header.Length));
        return file;
    }

    public static byte[] Of(string header, int dataBytes) => Of(Encoding.UTF8.GetBytes(header), new byte[dataBytes]);

    public static byte[] Of(string header, ReadOnlySpan<byte> data) => Of(Encoding.UTF8.GetBytes(header), data);

    /// <summary>What the writer writes, given data of the right length for each tensor.</summary>
    public static byte[] Written(IReadOnlyList<(TensorInfo Info, byte[] Data)> tensors, IReadOnlyDictionary<string,
        string>? metadata = null)
    {
        using var folder = new TempFolder();
        using (var writer = new SafetensorsWriter(folder["x"], [.. tensors.Select(tensor => tensor.Info)], metadata))
        {
            foreach ((TensorInfo info, byte[] data) in tensors)
                writer.Write(info.Name, data);
            writer.Complete();
        }
        return File.ReadAllBytes(folder["x"]);
    }

    public static SafetensorsFile Open(byte[] file) => SafetensorsFile.Open(file, "test.safetensors");

    /// <summary>One tensor of every type, with random data.</summary>
    public static List<(TensorInfo Info, byte[] Data)> EveryType(Random random, params long[] shape) =>
        [.. Enum.GetValues<ElementType>().Select(type => Tensor(random, "t." + type, type, shape))];

    public static (TensorInfo Info, byte[] Data) Tensor(Random random, string name, ElementType type, params long[] shape)
    {
        var info = new TensorInfo(name, type, shape);
        byte[] data = new byte[info.Bytes];
        random.NextBytes(data);
        return (info, data);
    }
}
