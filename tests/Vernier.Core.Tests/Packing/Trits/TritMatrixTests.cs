using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Kernels;
using Vernier.Kernels.Preparing;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Trits;

namespace Vernier.Tests.Packing;

/// <summary>Trits in bytes, matrices of two planes, and their product.</summary>
public class TritMatrixTests
{
    public static TheoryData<int, int, int, TritStorage> Shapes
    {
        get
        {
            var data = new TheoryData<int, int, int, TritStorage>();
            foreach (TritStorage storage in Enum.GetValues<TritStorage>())
            {
                foreach ((int rows, int columns, int group) in (
                    (int, int, int)[])[(1, 1, 128), (3, 7, 2), (19, 101, 64), (16, 128, 0), (5, 257, 128)])
                    data.Add(rows, columns, group, storage);
            }
            return data;
        }
    }

    [Theory]
    [InlineData(TritStorage.Base3)]
    [InlineData(TritStorage.TwoBits)]
    public void EveryLengthComesBackInThePromisedBytes(TritStorage storage)
    {
        var random = new Random(1);
        for (int count = 1; count <= 256; count++)
        {
            sbyte[] trits = [.. Enumerable.Range(0, count).Select(_ => (sbyte)(random.Next(3) - 1))], back = new sbyte[count];
            var packed = new byte[TritPacking.BytesPerRow(count, storage)];
            Assert.Equal((count + TritPacking.PerByte(storage) - 1) / TritPacking.PerByte(storage), packed.Length);
            TritPacking.Pack(trits, storage, packed);
            Assert.True(TritPacking.AreValid(packed, storage));
            TritPacking.Unpack(packed, storage, back);
            Assert.Equal(trits, back);
        }
        sbyte[] two = [1, -1];
        var one = new byte[1];
        TritPacking.Pack(two, storage, one);
        Assert.Equal(2, one[0]);
    }

    [Fact]
    public void BytesThatStandForNoTritsAreFound()
    {
        for (int stored = 0; stored < 256; stored++)
        {
            Assert.Equal(stored <= 242, TritPacking.AreValid([0, (byte)stored], TritStorage.Base3));
            Assert.Equal(!Enumerable.Range(0, 4).Any(i => (stored >> (2 * i) & 3) == 3),
                TritPacking.AreValid([0, (byte)stored], TritStorage.TwoBits));
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void AMatrixComesBackFromAFileOfThePromisedSize(int rows, int columns, int group, TritStorage storage)
    {
        TritMatrix packed = Create(rows, columns, group, storage);
        int groups = group == 0 ? 1 : (columns + group - 1) / group, perByte = storage == TritStorage.Base3 ? 5 : 4;
        Assert.Equal(4 + 4L * rows * groups + 2L * rows * ((columns + perByte - 1) / perByte), packed.Spec.StoredBytes);
        using var folder = new TempFolder();
        Write(folder.Path, packed, packed.ArrayBytes());
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        Assert.Equal(packed.Spec.StoredBytes, checkpoint.Tensors.Sum(tensor => tensor.Bytes));
        var read = (TritMatrix)PackedMatrixReader.Read(checkpoint, "w", packed.Spec);
        float[] expected = new float[columns], actual = new float[columns];
        sbyte[] first = new sbyte[columns], second = new sbyte[columns];
        for (int row = 0; row < rows; row++)
        {
            packed.DequantizeRow(row, expected);
            read.DequantizeRow(row, actual);
            Assert.Equal(expected, actual);
            read.UnpackRow(0, row, first);
            read.UnpackRow(1, row, second);
            for (int c = 0; c < columns; c++)
            {
                int g = group == 0 ? 0 : c / group;
                Assert.Equal(read.Scale(0, row, g) * first[c] + read.Scale(1, row, g) * second[c], actual[c]);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void IntegerKernelsMultiplyTheSameWeights(int rows, int columns, int group, TritStorage storage)
    {
        TritMatrix packed = Create(rows, columns, group, storage);
        SourceWeights.Check(packed, new TritPreparer().Source(packed, Workers.Shared));
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void AddingAndSubtractingGivesTheDecodedProduct(int rows, int columns, int group, TritStorage storage)
    {
        const int Tokens = 3;
        TritMatrix packed = Create(rows, columns, group, storage);
        var random = new Random(columns);
        // Whole numbers, and scales that are powers of two: every sum is exact, in any order.
        float[] x = [.. Enumerable.Range(0, Tokens * columns).Select(_ => (float)random.Next(-99, 100))], actual = new float[Tokens * rows],
            row = new float[columns];
        TritProduct.Multiply(x, Tokens, packed, actual);
        float[] plain = new float[Tokens * rows];
        PackedProduct.Multiply(x, Tokens, packed, plain, Workers.Shared);
        for (int r = 0; r < rows; r++)
        {
            packed.DequantizeRow(r, row);
            for (int t = 0; t < Tokens; t++)
            {
                Assert.Equal((float)Enumerable.Range(0, columns).Sum(c => (double)row[c] * x[t * columns + c]), actual[t * rows + r]);
                Assert.Equal(plain[t * rows + r], actual[t * rows + r]);
            }
        }
    }

    [Fact]
    public void HostileArraysAreRefusedByName()
    {
        foreach (TritStorage storage in Enum.GetValues<TritStorage>())
        {
            TritMatrix packed = Create(19, 101, 64, storage);
            Refused("packed-unit", "w.unit", bytes => BitConverter.TryWriteBytes(bytes[0], 3f));
            Refused("packed-unit", "w.unit", bytes => BitConverter.TryWriteBytes(bytes[0], float.NaN));
            Refused("packed-scale", "w.scales", bytes => BitConverter.TryWriteBytes(bytes[1].AsSpan(6), Half.PositiveInfinity));
            Refused("packed-trits", "w.trits", bytes => bytes[2][^1] = 255);

            void Refused(string rule, string tensor, Action<byte[][]> damage)
            {
                byte[][] bytes = [.. packed.ArrayBytes().Select(array => array.ToArray())];
                damage(bytes);
                using var folder = new TempFolder();
                Write(folder.Path, packed, bytes.Select(array => (ReadOnlyMemory<byte>)array));
                using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
                InvalidFileException error = Assert.Throws<InvalidFileException>(
                    () => PackedMatrixReader.Read(checkpoint, "w", packed.Spec));
                Assert.Equal((rule, tensor), (error.Rule, error.Tensor));
            }
        }
    }

    private static TritMatrix Create(int rows, int columns, int group, TritStorage storage)
    {
        var random = new Random(rows * columns);
        var spec = new TritLayout(rows, columns, group, storage);
        var trits = new byte[2 * rows * spec.BytesPerRow];
        for (int row = 0; row < 2 * rows; row++)
            TritPacking.Pack([.. Enumerable.Range(0, columns).Select(_ => (sbyte)(random.Next(3) - 1))], storage,
                trits.AsSpan(row * spec.BytesPerRow, spec.BytesPerRow));
        Half[] scales = [.. Enumerable.Range(0, rows * spec.Groups * 2)
            .Select(_ => (Half)Math.ScaleB(random.Next(2) == 0 ? 1 : -1, -random.Next(6)))];
        return new TritMatrix(spec, 0.25f, scales, trits);
    }

    private static void Write(string folder, TritMatrix packed, IEnumerable<ReadOnlyMemory<byte>> bytes)
    {
        IReadOnlyList<TensorInfo> arrays = packed.Spec.Arrays("w");
        using var writer = new CheckpointWriter(folder, arrays);
        foreach ((TensorInfo array, ReadOnlyMemory<byte> data) in arrays.Zip(bytes))
            writer.Write(array.Name, data.Span);
        writer.Complete();
    }
}
