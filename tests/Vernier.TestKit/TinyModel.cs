using System.Runtime.InteropServices;
using System.Text.Json;

namespace Vernier.TestKit;

/// <summary>
/// Writes small models: config.json and model.safetensors in float32. The file is written here, apart from the production code, which
/// has to read it.
/// </summary>
public static class TinyModel
{
    public const string UnknownArchitecture = """{ "model_type": "strange", "architectures": ["StrangeModel"], "vocab_size": 10 }""";

    /// <summary>Writes a network with random weights.</summary>
    /// <param name="folder">The folder; it is made where there is none.</param>
    /// <param name="spec">The network: its family, its widths, its features.</param>
    /// <param name="seed">Chooses the weights.</param>
    /// <param name="change">Changes the values of a tensor, or null.</param>
    /// <returns>The folder.</returns>
    public static string Write(string folder, TinySpec spec, int seed = 1, Action<string, float[]>? change = null)
    {
        Dictionary<string, TinyTensor> tensors = spec.Tensors(seed);
        foreach ((string name, TinyTensor tensor) in tensors)
            change?.Invoke(name, tensor.Values);
        return Write(folder, spec.Config(), tensors);
    }

    /// <summary>Writes tensors of an architecture that is not known.</summary>
    public static string Write(string folder, params (string Name, long[] Shape, float[] Values)[] tensors) =>
        Write(folder, UnknownArchitecture, tensors);

    /// <summary>Writes given tensors.</summary>
    public static string Write(string folder, string config, params (string Name, long[] Shape, float[] Values)[] tensors) =>
        Write(folder, config, tensors.ToDictionary(x => x.Name, x => new TinyTensor([.. x.Shape.Select(size => (int)size)], x.Values)));

    /// <summary>Writes given tensors.</summary>
    public static string Write(string folder, string config, IReadOnlyDictionary<string, TinyTensor> tensors)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "config.json"), config);
        using FileStream file = File.Create(Path.Combine(folder, "model.safetensors"));
        byte[] header = Header(tensors);
        file.Write(BitConverter.GetBytes((long)header.Length));
        file.Write(header);
        foreach (TinyTensor tensor in tensors.Values)
            file.Write(MemoryMarshal.AsBytes(tensor.Values.AsSpan()));
        return folder;
    }

    /// <summary>Numbers of a normal distribution about 0.</summary>
    public static float[] Gaussian(int count, int seed, double deviation = 0.02)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (int i = 0; i < count; i++)
        {
            double radius = deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            values[i] = (float)(radius * Math.Cos(2 * Math.PI * random.NextDouble()));
        }
        return values;
    }

    private static byte[] Header(IReadOnlyDictionary<string, TinyTensor> tensors)
    {
        var entries = new Dictionary<string, object>();
        long offset = 0;
        foreach ((string name, TinyTensor tensor) in tensors)
        {
            long end = offset + sizeof(float) * tensor.Values.Length;
            entries.Add(name, new { dtype = "F32", shape = tensor.Shape, data_offsets = new[] { offset, end } });
            offset = end;
        }
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(entries);
        return [.. json, .. Enumerable.Repeat((byte)' ', -json.Length & 7)];
    }
}
