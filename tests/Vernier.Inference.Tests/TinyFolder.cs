using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Vernier.Tests;

/// <summary>A temporary model folder, deleted at the end: config.json and a float32 safetensors file.</summary>
internal sealed class TinyFolder : IDisposable
{
    public TinyFolder(string config, IReadOnlyDictionary<string, TinyTensor> tensors)
    {
        Path = Directory.CreateTempSubdirectory("vernier-").FullName;
        File.WriteAllText(System.IO.Path.Combine(Path, "config.json"), config);
        using FileStream stream = File.Create(System.IO.Path.Combine(Path, "model.safetensors"));
        var header = new Dictionary<string, object>();
        long offset = 0;
        foreach ((string name, TinyTensor tensor) in tensors)
        {
            long end = offset + 4L * tensor.Values.Length;
            header.Add(name, new { dtype = "F32", shape = tensor.Shape, data_offsets = new[] { offset, end } });
            offset = end;
        }
        byte[] text = Encoding.UTF8.GetBytes(JsonSerializer.Serialize(header));
        Array.Resize(ref text, (text.Length + 7) & ~7);
        text.AsSpan().Replace((byte)0, (byte)' ');
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
        stream.Write(length);
        stream.Write(text);
        foreach (TinyTensor tensor in tensors.Values)
            stream.Write(MemoryMarshal.AsBytes<float>(tensor.Values));
    }

    public string Path { get; }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
