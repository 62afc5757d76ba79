using System.Runtime.InteropServices;
using Vernier.Files;
using Vernier.Files.Safetensors;

namespace Vernier.Tests;

/// <summary>A temporary model folder, deleted at the end: config.json and a float32 safetensors file.</summary>
internal sealed class TinyFolder : IDisposable
{
    public TinyFolder(string config, IReadOnlyDictionary<string, TinyTensor> tensors)
    {
        Path = Directory.CreateTempSubdirectory("vernier-").FullName;
        File.WriteAllText(System.IO.Path.Combine(Path, "config.json"), config);
        TensorInfo[] infos = [.. tensors.Select(entry => new TensorInfo(entry.Key, ElementType.F32, [.. entry.Value.Shape.Select(x => (long)x)]))];
        using var writer = new SafetensorsWriter(System.IO.Path.Combine(Path, "model.safetensors"), infos);
        foreach (TinyTensor tensor in tensors.Values)
            writer.Write(MemoryMarshal.AsBytes<float>(tensor.Values));
        writer.Complete();
    }

    public string Path { get; }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
