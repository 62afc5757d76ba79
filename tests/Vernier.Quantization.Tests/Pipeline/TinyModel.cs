using System.Runtime.InteropServices;
using Vernier.Files;
using Vernier.Files.Checkpoints;

namespace Vernier.Tests.Pipeline;

/// <summary>Writes small checkpoints of given tensors.</summary>
internal static class TinyModel
{
    public const string UnknownArchitecture = """{ "model_type": "strange", "architectures": ["StrangeModel"], "vocab_size": 10 }""";

    public static void Write(string folder, params (string Name, long[] Shape, float[] Values)[] tensors) => Write(folder, UnknownArchitecture, tensors);

    public static void Write(string folder, string config, params (string Name, long[] Shape, float[] Values)[] tensors)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "config.json"), config);
        using var writer = new CheckpointWriter(folder, [.. tensors.Select(tensor => new TensorInfo(tensor.Name, ElementType.F32, tensor.Shape))]);
        foreach ((string name, long[] _, float[] values) in tensors)
            writer.Write(name, MemoryMarshal.AsBytes(values.AsSpan()));
        writer.Complete();
    }

    public static float[] Gaussian(int count, int seed, double deviation = 0.02)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (int i = 0; i < count; i++)
            values[i] = (float)(deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        return values;
    }
}
