using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Kernels.Preparing;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.TwoLevel;

namespace Vernier.Tests.Packing;

/// <summary>Codes within integers of 8 bits.</summary>
public class TwoLevelMatrixTests
{
    [Theory]
    [InlineData(1, 1, 4, 128)]
    [InlineData(19, 101, 4, 50)]
    [InlineData(16, 256, 4, 128)]
    [InlineData(7, 130, 3, 0)]
    [InlineData(5, 77, 2, 1)]
    [InlineData(5, 77, 8, 32)]
    public void AMatrixComesBackFromAFileOfThePromisedSize(int rows, int columns, int bits, int group)
    {
        TwoLevelMatrix packed = Create(rows, columns, bits, group);
        int groups = group == 0 ? 1 : (columns + group - 1) / group;
        Assert.Equal(4 + 2 * rows + rows * groups + rows * (long)((groups * bits + 7) / 8) + rows * (long)((columns * bits + 7) / 8),
            packed.Spec.StoredBytes);
        using var folder = new TempFolder();
        Write(folder.Path, packed, packed.ArrayBytes());
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        Assert.Equal(packed.Spec.StoredBytes, checkpoint.Tensors.Sum(tensor => tensor.Bytes));
        PackedMatrix read = PackedMatrixReader.Read(checkpoint, "w", packed.Spec);
        float[] expected = new float[columns], actual = new float[columns];
        for (int row = 0; row < rows; row++)
        {
            packed.DequantizeRow(row, expected);
            read.DequantizeRow(row, actual);
            Assert.Equal(expected, actual);
        }
    }

    [Theory]
    [InlineData(1, 1, 4, 128)]
    [InlineData(19, 101, 4, 50)]
    [InlineData(16, 256, 4, 128)]
    [InlineData(7, 130, 3, 0)]
    [InlineData(5, 77, 2, 1)]
    [InlineData(5, 77, 8, 32)]
    public void IntegerKernelsMultiplyTheSameWeights(int rows, int columns, int bits, int group)
    {
        TwoLevelMatrix packed = Create(rows, columns, bits, group);
        SourceWeights.Check(packed, new TwoLevelPreparer().Source(packed, Workers.Shared));
    }

    [Theory]
    [InlineData(4, 128)]
    [InlineData(3, 50)]
    [InlineData(8, 64)]
    public void TheIntegerProductTimesTheScaleOfTheRowIsTheDecodedProduct(int bits, int group)
    {
        const int Rows = 21, Columns = 300;
        TwoLevelMatrix packed = Create(Rows, Columns, bits, group);
        var random = new Random(bits);
        sbyte[] x = [.. Enumerable.Range(0, Columns).Select(_ => (sbyte)random.Next(-127, 128))], integers = new sbyte[Columns];
        var decoded = new float[Columns];
        bool clamped = false;
        for (int row = 0; row < Rows; row++)
        {
            packed.ExpandRow(row, integers);
            packed.DequantizeRow(row, decoded);
            int sum = 0;
            double exact = 0;
            for (int i = 0; i < Columns; i++)
            {
                Assert.InRange(integers[i], (sbyte)-127, (sbyte)127);
                clamped |= Math.Abs((int)integers[i]) + packed.Factors.Span[row * packed.Spec.Groups + i / packed.Spec.Width] > 127;
                Assert.Equal(packed.Scale(row) * integers[i], decoded[i]);
                sum += x[i] * integers[i];
                exact += (double)x[i] * packed.Scale(row) * integers[i];
            }
            // Of a scale of eleven bits every term, and every sum, is exact in double precision.
            Assert.Equal(exact, (double)packed.Scale(row) * sum);
        }
        Assert.True(clamped);
    }

    [Fact]
    public void HostileArraysAreRefusedByName()
    {
        TwoLevelMatrix packed = Create(19, 101, 4, 50);
        Refused("packed-unit", "w.unit", bytes => BitConverter.TryWriteBytes(bytes[0], 0f));
        Refused("packed-scale", "w.scales", bytes => BitConverter.TryWriteBytes(bytes[1].AsSpan(6), Half.NaN));
        Refused("packed-factors", "w.factors", bytes => bytes[2][3] = 0);
        Refused("packed-factors", "w.factors", bytes => bytes[2][^1] = 0x80);

        void Refused(string rule, string tensor, Action<byte[][]> damage)
        {
            byte[][] bytes = [.. packed.ArrayBytes().Select(array => array.ToArray())];
            damage(bytes);
            using var folder = new TempFolder();
            Write(folder.Path, packed, bytes.Select(array => (ReadOnlyMemory<byte>)array));
            using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
            InvalidFileException error = Assert.Throws<InvalidFileException>(() => PackedMatrixReader.Read(checkpoint, "w", packed.Spec));
            Assert.Equal((rule, tensor), (error.Rule, error.Tensor));
        }
    }

    private static TwoLevelMatrix Create(int rows, int columns, int bits, int group)
    {
        var random = new Random(rows + columns);
        var spec = new TwoLevelLayout(rows, columns, bits, group);
        byte[] codes = new byte[rows * spec.BytesPerRow], zeros = new byte[rows * spec.ZeroBytesPerRow];
        for (int row = 0; row < rows; row++)
        {
            CodePacking.Pack(Random(columns), bits, codes.AsSpan(row * spec.BytesPerRow, spec.BytesPerRow));
            CodePacking.Pack(Random(spec.Groups), bits, zeros.AsSpan(row * spec.ZeroBytesPerRow, spec.ZeroBytesPerRow));
        }
        return new TwoLevelMatrix(spec, 1f / 128, [.. Enumerable.Range(0, rows).Select(_ => (Half)random.NextDouble())],
            [.. Enumerable.Range(0, rows * spec.Groups).Select(_ => (sbyte)random.Next(1, 128))], zeros, codes);

        byte[] Random(int count) => [.. Enumerable.Range(0, count).Select(_ => (byte)random.Next(1 << bits))];
    }

    private static void Write(string folder, TwoLevelMatrix packed, IEnumerable<ReadOnlyMemory<byte>> bytes)
    {
        IReadOnlyList<TensorInfo> arrays = packed.Spec.Arrays("w");
        using var writer = new CheckpointWriter(folder, arrays);
        foreach ((TensorInfo array, ReadOnlyMemory<byte> data) in arrays.Zip(bytes))
            writer.Write(array.Name, data.Span);
        writer.Complete();
    }
}
