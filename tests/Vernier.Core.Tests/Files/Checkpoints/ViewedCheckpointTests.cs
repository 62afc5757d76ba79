using System.Runtime.InteropServices;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;

namespace Vernier.Tests.Files.Checkpoints;

/// <summary>Views of tensors: parts, other names, turned over; every element and every range of bytes.</summary>
public class ViewedCheckpointTests
{
    private static readonly float[] s_values = [.. Enumerable.Range(0, 60).Select(i => i / 4f)];

    public static TheoryData<ElementType> Types => [ElementType.F32, ElementType.F16, ElementType.BF16];

    [Theory]
    [MemberData(nameof(Types))]
    public void EveryElementAndEveryRangeOfBytesIsThatOfTheSource(ElementType type)
    {
        using var work = new TempFolder();
        using Checkpoint checkpoint = Open(work.Path, type);
        byte[] source = checkpoint.Bytes(checkpoint["experts"]).ToArray();
        int size = source.Length / 60;
        checkpoint.Show([TensorView.Slice("second.weight", "experts", [4, 5], 20), TensorView.Transposed("first.weight", "experts", 5, 4),
            TensorView.Strided("odd.weight", "experts", 2, 5, 45, 10, 1), TensorView.Slice("bias", "vector", [2], 1),
            TensorView.Slice("nothing", "missing", [1])]);
        Assert.Equal(["bias", "first.weight", "odd.weight", "plain", "second.weight"],
            checkpoint.Tensors.Select(tensor => tensor.Name).Order(StringComparer.Ordinal));
        Check("second.weight", [4, 5], (r, c) => 20 + 5 * r + c);
        Check("first.weight", [5, 4], (r, c) => 5 * c + r);
        Check("odd.weight", [2, 5], (r, c) => 45 + 10 * r + c);
        Assert.Equal([2L], checkpoint["bias"].Shape);
        Assert.Equal(2 * size, checkpoint.Stored(checkpoint["bias"]).Bytes);

        void Check(string name, long[] shape, Func<int, int, int> place)
        {
            TensorInfo tensor = checkpoint[name];
            Assert.Equal(shape, tensor.Shape);
            int[] places = [.. Enumerable.Range(0, (int)tensor.Count).Select(i => place(i / (int)shape[1], i % (int)shape[1]))];
            byte[] expected = [.. places.SelectMany(i => source[(i * size)..((i + 1) * size)])];
            Assert.Equal(expected, checkpoint.Bytes(tensor).ToArray());
            Assert.Equal(expected.Length, checkpoint.Stored(tensor).Bytes);
            for (int first = 0; first < expected.Length; first++)
            {
                byte[] read = new byte[Math.Min(7, expected.Length - first)], once = new byte[read.Length];
                checkpoint.ReadBytes(tensor, first, read);
                checkpoint.ReadOnce(tensor, first, once);
                Assert.Equal(expected[first..(first + read.Length)], read);
                Assert.Equal(read, once);
            }
            for (int first = 0; first < places.Length; first++)
            {
                float[] values = new float[Math.Min(6, places.Length - first)];
                checkpoint.Read(tensor, first, values);
                Assert.Equal(places[first..(first + values.Length)].Select(i => s_values[i]), values);
            }
            Assert.Throws<ArgumentOutOfRangeException>(() => checkpoint.Read(tensor, 1, new float[tensor.Count]));
            Assert.Throws<ArgumentOutOfRangeException>(() => checkpoint.ReadBytes(tensor, 1, new byte[tensor.Bytes]));
        }
    }

    [Fact]
    public void AViewBeyondItsSourceOrWithTheNameOfAnotherIsRefused()
    {
        using var work = new TempFolder();
        using Checkpoint checkpoint = Open(work.Path, ElementType.F32);
        Refused("reach beyond", TensorView.Slice("a", "experts", [4, 5], 41), "experts", "ends at 61");
        Refused("transposed beyond", TensorView.Transposed("a", "experts", 5, 13), "experts", "ends at 65");
        Refused("another's name", TensorView.Slice("plain", "experts", [4, 5]), "plain", "there twice");

        void Refused(string what, TensorView view, string tensor, string problem)
        {
            InvalidFileException error = Assert.Throws<InvalidFileException>(() => Open(work.Path, ElementType.F32).Show([view]));
            Assert.Equal((CheckpointRules.TensorView, tensor), (error.Rule, error.Tensor));
            Assert.True(error.Problem.Contains(problem, StringComparison.Ordinal), $"{what}: {error.Problem}");
        }
    }

    private static Checkpoint Open(string folder, ElementType type)
    {
        if (!File.Exists(Path.Combine(folder, "model.safetensors")))
        {
            TensorInfo[] tensors = [new("experts", type, [3, 4, 5]), new("vector", type, [3]), new("plain", type, [1])];
            using var writer = new CheckpointWriter(folder, tensors);
            foreach (TensorInfo tensor in tensors)
                writer.Write(tensor.Name, Bytes(type, s_values[..(int)tensor.Count]));
            writer.Complete();
        }
        return Checkpoint.Open(folder);
    }

    private static byte[] Bytes(ElementType type, float[] values) => type switch
    {
        ElementType.F32 => MemoryMarshal.AsBytes(values.AsSpan()).ToArray(),
        ElementType.F16 => MemoryMarshal.AsBytes(Array.ConvertAll(values, value => (Half)value).AsSpan()).ToArray(),
        _ => MemoryMarshal.AsBytes(Array.ConvertAll(values, value => (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16)).AsSpan())
            .ToArray(),
    };
}
