using System.Runtime.InteropServices;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;

namespace Vernier.Tests.Files.Checkpoints;

/// <summary>Matrices in 8-bit floats are read as the products with the scales beside them: w = q s.</summary>
public sealed class ScaledCheckpointTests : IDisposable
{
    private readonly TempFolder _folder = new();

    /// <summary>Rows and columns, the shape of the scales, and the sides of the block that each belongs to.</summary>
    public static TheoryData<int, int, int[], int, int, string> Shapes { get; } = new()
    {
        { 3, 5, [], 3, 5, "weight_scale" },
        { 3, 5, [1], 3, 5, "weight_scale_inv" },
        { 3, 5, [3], 1, 5, "weight_scale" },
        { 3, 5, [3, 1], 1, 5, "weight_scale_inv" },
        { 128, 128, [1, 1], 128, 128, "weight_scale_inv" },
        { 130, 257, [2, 3], 128, 128, "weight_scale_inv" },
        { 128, 129, [1, 2], 128, 128, "weight_scale_inv" },
        { 1, 300, [1, 3], 128, 128, "weight_scale_inv" },
        { 257, 1, [3, 1], 128, 128, "weight_scale_inv" },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Each_weight_is_its_code_times_the_scale_of_its_block(int rows, int columns, int[] scaleShape, int height, int width,
        string name)
    {
        byte[] codes = [.. Enumerable.Range(0, rows * columns).Select(i => (byte)(i * 7 % 127 + i % 2 * 128))];
        float[] scales = [.. Enumerable.Range(0, scaleShape.Aggregate(1, (a, b) => a * b)).Select(i => 0.25f + 0.3f * i)];
        Write("model.safetensors", ("a.weight", ElementType.F8_E4M3, [rows, columns], codes),
            ("a." + name, ElementType.F32, [.. scaleShape.Select(size => (long)size)], Bytes(scales)),
            ("b.weight", ElementType.F8_E4M3, [1, 2], [56, 64]));
        using Checkpoint checkpoint = Checkpoint.Open(_folder.Path);
        Assert.Equal(["a.weight", "b.weight"], checkpoint.Tensors.Select(tensor => tensor.Name).Order());
        TensorInfo info = checkpoint["a.weight"];
        Assert.Equal((ElementType.F32, 4L * rows * columns), (info.Type, info.Bytes));
        int across = (columns + width - 1) / width;
        float[] expected = [.. codes.Select((code, i) => Decode(code) * scales[i / columns / height * across + i % columns / width])];

        float[] read = new float[expected.Length];
        checkpoint.Read(info, 0, read);
        Assert.Equal(expected, read);
        Assert.Equal(Bytes(expected), checkpoint.Bytes(info).ToArray());
        for (int first = 0; first < expected.Length; first += 61)
        {
            read = new float[Math.Min(150, expected.Length - first)];
            checkpoint.Read(info, first, read);
            Assert.Equal(expected[first..(first + read.Length)], read);
            byte[] bytes = new byte[4 * read.Length - 3];
            checkpoint.ReadOnce(info, 4L * first + 2, bytes.AsSpan(..^1));
            Assert.Equal(Bytes(expected)[(4 * first + 2)..(4 * first + 1 + bytes.Length)], bytes[..^1]);
        }

        // What has no scale is a plain number.
        var plain = new float[2];
        checkpoint.Read(checkpoint["b.weight"], 0, plain);
        Assert.Equal([1f, 2f], plain);
        Assert.Equal(ElementType.F8_E4M3, checkpoint["b.weight"].Type);
    }

    [Fact]
    public void Scales_may_stand_in_another_shard()
    {
        Write("1.safetensors", ("a.weight", ElementType.F8_E5M2, [1, 2], [0x3C, 0x40]));
        Write("2.safetensors", ("a.weight_scale_inv", ElementType.F32, [1, 1], Bytes([3f])), ("c", ElementType.U8, [1], [9]));
        File.WriteAllText(_folder["model.safetensors.index.json"],
            """{"weight_map":{"a.weight":"1.safetensors","a.weight_scale_inv":"2.safetensors","c":"2.safetensors"}}""");
        using Checkpoint checkpoint = Checkpoint.Open(_folder.Path);
        var read = new float[2];
        checkpoint.Read(checkpoint["a.weight"], 0, read);
        Assert.Equal([3f, 6f], read);
        Assert.Equal(["a.weight", "c"], checkpoint.Tensors.Select(tensor => tensor.Name));
    }

    [Theory]
    [InlineData(new[] { 2 }, 1f, "scales of [2] fit no matrix of [3, 5]")]
    [InlineData(new[] { 5 }, 1f, "scales of [5] fit no matrix of [3, 5]")]
    [InlineData(new[] { 2, 1 }, 1f, "scales of [2, 1] fit no matrix of [3, 5]")]
    [InlineData(new[] { 3 }, float.NaN, "a scale is not finite")]
    [InlineData(new[] { 1 }, float.PositiveInfinity, "a scale is not finite")]
    public void Scales_that_do_not_fit_are_refused(int[] shape, float scale, string message)
    {
        float[] scales = [.. Enumerable.Repeat(scale, shape.Aggregate(1, (a, b) => a * b))];
        Write("model.safetensors", ("a.weight", ElementType.F8_E4M3, [3, 5], new byte[15]),
            ("a.weight_scale", ElementType.F32, [.. shape.Select(size => (long)size)], Bytes(scales)));
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => Checkpoint.Open(_folder.Path));
        Assert.Equal((CheckpointRules.Scales, "a.weight_scale"), (error.Rule, error.Tensor));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    /// <summary>A whole number beside a matrix is a code of a scale, such as its exponent.</summary>
    [Theory]
    [InlineData(ElementType.I32)]
    [InlineData(ElementType.U8)]
    public void Scales_are_real_numbers(ElementType type)
    {
        Write("model.safetensors", ("a.weight", ElementType.F8_E4M3, [3, 5], new byte[15]),
            ("a.weight_scale", type, [1], new byte[type == ElementType.U8 ? 1 : 4]));
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => Checkpoint.Open(_folder.Path));
        Assert.Equal((CheckpointRules.Scales, $"the scales are of type {type}"), (error.Rule, error.Problem));
    }

    public void Dispose() => _folder.Dispose();

    private void Write(string name, params (string Name, ElementType Type, long[] Shape, byte[] Data)[] tensors) =>
        File.WriteAllBytes(_folder[name],
            SafetensorsBytes.Written([.. tensors.Select(tensor => (new TensorInfo(tensor.Name, tensor.Type, tensor.Shape), tensor.Data))]));

    private static byte[] Bytes(float[] values) => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    // E4M3 without infinities: 4 bits of exponent with a bias of 7, 3 of mantissa.
    private static float Decode(byte code)
    {
        int exponent = code >> 3 & 15, mantissa = code & 7;
        double magnitude = exponent == 0 ? mantissa / 8.0 * Math.Pow(2, -6) : (1 + mantissa / 8.0) * Math.Pow(2, exponent - 7);
        return (float)((code & 128) != 0 ? -magnitude : magnitude);
    }
}
