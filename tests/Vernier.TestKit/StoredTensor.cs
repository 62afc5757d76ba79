namespace Vernier.TestKit;

/// <summary>A tensor as its bytes, with its type by its safetensors name.</summary>
public sealed record StoredTensor(string Name, string Type, long[] Shape, byte[] Data)
{
    /// <summary>A tensor of singles.</summary>
    public static StoredTensor F32(string name, long[] shape, float[] values) =>
        new(name, "F32", shape, [.. values.SelectMany(BitConverter.GetBytes)]);

    /// <summary>A tensor of halves.</summary>
    public static StoredTensor F16(string name, long[] shape, float[] values) =>
        new(name, "F16", shape, [.. values.SelectMany(value => BitConverter.GetBytes((Half)value))]);

    /// <summary>A tensor of integers.</summary>
    public static StoredTensor I32(string name, long[] shape, int[] values) =>
        new(name, "I32", shape, [.. values.SelectMany(BitConverter.GetBytes)]);
}
