using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Grids;
using Vernier.Grids.Power;
using Vernier.Grids.Uniform;
using Vernier.Kernels;
using Vernier.Levels;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Scalar;

namespace Vernier.Tests.Packing;

[UsesInstructions]
public class ScalarMatrixTests
{
    public static TheoryData<int, int, int, bool> Specs
    {
        get
        {
            var data = new TheoryData<int, int, int, bool>();
            foreach (int bits in (int[])[2, 3, 4, 5, 6, 8])
            {
                foreach (int group in (int[])[-1, 0, 1, 32, 50, 1000])
                {
                    data.Add(bits, group, 1, false);
                    data.Add(bits, group, 1, true);
                    if (group > 0 && bits <= 4)
                        data.Add(bits, group, 8, false);
                }
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public void EveryWeightIsScaleTimesLevelAndComesBackFromTheFile(int bits, int group, int tables, bool zeroPoints)
    {
        ScalarMatrix packed = Random(7, 101, bits, new Granularity(group), rowsPerGrid: 3, tables, zeroPoints);
        CheckValues(packed);
        using var folder = new TempFolder();
        Write(folder.Path, packed);
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        var read = (ScalarMatrix)PackedMatrixReader.Read(checkpoint, "w", packed.Spec);
        Assert.Equal(packed.Codes.ToArray(), read.Codes.ToArray());
        Assert.Equal(packed.Scales.ToArray(), read.Scales.ToArray());
        Assert.Equal(packed.Zeros.ToArray(), read.Zeros.ToArray());
        Assert.Equal(packed.Spec.StoredBytes, packed.ArrayBytes().Sum(array => (long)array.Length));
        Assert.Equal(packed.Spec.StoredBytes, checkpoint.Tensors.Sum(tensor => tensor.Bytes));
        float[] before = new float[101], after = new float[101];
        for (int row = 0; row < 7; row++)
        {
            packed.DequantizeRow(row, before);
            read.DequantizeRow(row, after);
            Assert.Equal(before, after);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(17)]
    public void TheProductIsThatOfTheDequantizedWeights(int rows)
    {
        ScalarMatrix packed = Random(70, 101, 4, Granularity.Group(32), 70, 8, false);
        var random = new Random(rows);
        float[] x = [.. Enumerable.Range(0, rows * 101).Select(_ => (float)(random.NextDouble() - 0.5))], y = new float[rows * 70],
            weights = new float[101];
        PackedProduct.Multiply(x, rows, packed, y, Workers.Shared);
        for (int o = 0; o < 70; o++)
        {
            packed.DequantizeRow(o, weights);
            for (int r = 0; r < rows; r++)
                Assert.Equal(Enumerable.Range(0, 101).Sum(i => (double)x[r * 101 + i] * weights[i]), y[r * 70 + o], 1e-5);
        }
    }

    [Fact]
    public void DamagedArraysAreRefusedByName()
    {
        ScalarMatrix packed = Random(4, 64, 4, Granularity.Group(32), 4, 1, false);
        Refused("packed-array", (arrays, bytes) => { arrays.RemoveAt(2); bytes.RemoveAt(2); });
        Refused("packed-shape", (arrays, _) => arrays[2] = arrays[2] with { Shape = [2, 4] });
        Refused("packed-shape", (arrays, _) => arrays[3] = arrays[3] with { Type = ElementType.I8 });
        Refused("packed-scale", (_, bytes) => bytes[2] = [.. bytes[2][..^2], 0x00, 0x7C]);
        Refused("packed-levels", (_, bytes) => Array.Reverse(bytes[1]));
        Refused("packed-levels", (_, bytes) => BitConverter.TryWriteBytes(bytes[0].AsSpan(8), 0.3f));
        Refused("packed-levels", (_, bytes) => BitConverter.TryWriteBytes(bytes[0].AsSpan(8), float.NaN));

        void Refused(string rule, Action<List<TensorInfo>, List<byte[]>> damage)
        {
            List<TensorInfo> arrays = [.. packed.Spec.Arrays("w")];
            List<byte[]> bytes = [.. packed.ArrayBytes().Select(array => array.ToArray())];
            damage(arrays, bytes);
            using var folder = new TempFolder();
            using (var writer = new CheckpointWriter(folder.Path, arrays))
            {
                foreach ((TensorInfo array, byte[] data) in arrays.Zip(bytes))
                    writer.Write(array.Name, data);
                writer.Complete();
            }
            using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
            InvalidFileException error = Assert.Throws<InvalidFileException>(() => PackedMatrixReader.Read(checkpoint, "w", packed.Spec));
            Assert.Equal(rule, error.Rule);
            Assert.StartsWith("w", error.Tensor);
        }
    }

    [Fact]
    public void ArraysOfAnotherSizeAreRefused()
    {
        var spec = new ScalarLayout(4, 64, 4, Granularity.Channel, 4, 1, false, false);
        LevelTable[] grid = [UniformGrid.Create(4, LevelLayout.Full)];
        Refusal.Of<ArgumentException>("an array does not have the size",
            () => new ScalarMatrix(spec, grid, new Half[4], [], new byte[127]));
        Refusal.Of<ArgumentException>("an array does not have the size",
            () => new ScalarMatrix(spec, grid, new Half[5], [], new byte[128]));
        Refusal.Of<ArgumentException>("an array does not have the size", () => new ScalarMatrix(spec, [], new Half[4], [], new byte[128]));
    }

    internal static ScalarMatrix Random(int rows, int columns, int bits, Granularity granularity, int rowsPerGrid, int tables,
        bool zeroPoints)
    {
        var random = new Random(rows * columns + bits + tables);
        bool wide = bits == 8;
        var spec = new ScalarLayout(rows, columns, bits, granularity, rowsPerGrid, tables, wide, zeroPoints);
        LevelTable[] grids = [.. Enumerable.Range(0, spec.Grids).Select(i => zeroPoints ? UniformGrid.Create(bits, LevelLayout.Asymmetric)
            : PowerGrid.Create(bits, LevelLayout.Offset, 0.4 + 0.1 * (i % 7), 0.1 * (i % 5)))];
        var codes = new byte[rows * spec.BytesPerRow];
        var row = new byte[columns];
        for (int r = 0; r < rows; r++)
        {
            for (int i = 0; i < columns; i++)
                row[i] = (byte)random.Next(1 << bits);
            CodePacking.Pack(row, bits, codes.AsSpan(r * spec.BytesPerRow, spec.BytesPerRow));
        }
        Half[] scales = [.. Enumerable.Range(0, spec.Scales).Select(_ => (Half)(2 * random.NextDouble() - 1))];
        var zeros = new byte[spec.ZeroBytes];
        random.NextBytes(zeros);
        return new ScalarMatrix(spec, grids, scales, zeros, codes);
    }

    private static void CheckValues(ScalarMatrix packed)
    {
        ScalarLayout spec = packed.Spec;
        var row = new float[spec.Columns];
        var codes = new byte[spec.Columns];
        int granules = spec.Granularity.ScaleColumns(spec.Columns), width = spec.Granularity.Width(spec.Columns);
        for (int r = 0; r < spec.Rows; r++)
        {
            packed.DequantizeRow(r, row);
            packed.UnpackRow(r, codes);
            for (int c = 0; c < spec.Columns; c++)
            {
                int scaleRow = spec.Granularity == Granularity.Tensor ? 0 : r;
                Half scale = packed.Scales.Span[scaleRow * granules + c / width];
                LevelTable grid = packed.Grids[r / spec.RowsPerGrid * spec.Tables
                    + (BitConverter.HalfToUInt16Bits(scale) & (spec.Tables - 1))];
                int zero = spec.ZeroPoints ? grid.Levels[packed.ZeroPoint(scaleRow, c / width)] : 0;
                Assert.Equal((float)scale * (grid.Unit * (grid.Levels[codes[c]] - zero)), row[c]);
            }
        }
    }

    private static void Write(string folder, ScalarMatrix packed)
    {
        using var writer = new CheckpointWriter(folder, packed.Spec.Arrays("w"));
        foreach ((TensorInfo array, ReadOnlyMemory<byte> bytes) in packed.Spec.Arrays("w").Zip(packed.ArrayBytes()))
            writer.Write(array.Name, bytes.Span);
        writer.Complete();
    }
}
