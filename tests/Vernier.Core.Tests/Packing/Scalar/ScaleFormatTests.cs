using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Grids.Minifloat;
using Vernier.Kernels;
using Vernier.Kernels.Preparing;
using Vernier.Levels;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Tests.Grids;

namespace Vernier.Tests.Packing;

/// <summary>Matrices of the block formats, and of floats whose levels are floats: stored, read and multiplied.</summary>
[UsesInstructions]
public class ScaleFormatTests
{
    [Theory]
    [InlineData("e2m1", ScaleFormat.E8M0, 32, 70)]
    [InlineData("e2m1", ScaleFormat.E4M3, 16, 101)]
    [InlineData("e3m2", ScaleFormat.E8M0, 32, 64)]
    [InlineData("ocp-e4m3", ScaleFormat.E8M0, 32, 100)]
    [InlineData("ocp-e5m2", ScaleFormat.Half, 64, 100)]
    [InlineData("e7m0", ScaleFormat.E4M3, 16, 33)]
    public void AMatrixComesBackFromAFileOfThePromisedSize(string name, ScaleFormat scales, int group, int columns)
    {
        ScalarMatrix packed = Create(name, scales, group, 19, columns);
        using var folder = new TempFolder();
        Write(folder.Path, packed);
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        Assert.Equal(packed.Spec.StoredBytes, checkpoint.Tensors.Sum(tensor => tensor.Bytes));
        Assert.Equal(packed.Spec.Scales * (scales == ScaleFormat.Half ? 2 : 1), checkpoint["w.scales"].Bytes);
        var read = (ScalarMatrix)PackedMatrixReader.Read(checkpoint, "w", packed.Spec);
        float[] expected = new float[columns], actual = new float[columns];
        for (int row = 0; row < 19; row++)
        {
            packed.DequantizeRow(row, expected);
            read.DequantizeRow(row, actual);
            Assert.Equal(expected, actual);
        }
        Assert.Equal(packed.ArrayBytes().SelectMany(bytes => bytes.ToArray()), read.ArrayBytes().SelectMany(bytes => bytes.ToArray()));
    }

    [Theory]
    [InlineData("e2m1", ScaleFormat.E8M0, 32)]
    [InlineData("e2m1", ScaleFormat.E4M3, 16)]
    [InlineData("e3m2", ScaleFormat.E8M0, 32)]
    public void TheIntegerKernelsServeTheBlockFormats(string name, ScaleFormat scales, int group)
    {
        const int Columns = 200, Tokens = 7;
        ScalarMatrix packed = Create(name, scales, group, 37, Columns);
        var random = new Random(1);
        float[] x = [.. Enumerable.Range(0, Tokens * Columns).Select(_ => (float)(random.NextDouble() - 0.5))],
            expected = new float[Tokens * 37], actual = new float[Tokens * 37];
        IntegerProduct.Multiply(x, Tokens, packed, expected);
        PreparedWeight.Create(packed, Workers.Shared)!.Multiply(x, Tokens, actual, Workers.Shared);
        Assert.Equal(expected, actual);
    }

    [Fact]
    public void LevelsThatAreFloatsAreMultipliedInSinglePrecision()
    {
        ScalarMatrix packed = Create("ocp-e5m2", ScaleFormat.Half, 64, 37, 128);
        Assert.Null(packed.Prepare(Workers.Shared));
        Refusal.Of<ArgumentException>("levels that are floats are stored as such", () => new ScalarMatrix(
            packed.Spec with { FloatLevels = false, WideLevels = true }, packed.Grids, packed.Scales.ToArray(), [], packed.Codes));
    }

    [Theory]
    [InlineData(ScaleFormat.E8M0, 255)]
    [InlineData(ScaleFormat.E8M0, 0)]
    [InlineData(ScaleFormat.E8M0, 143)]
    [InlineData(ScaleFormat.E8M0, 102)]
    [InlineData(ScaleFormat.E4M3, 127)]
    [InlineData(ScaleFormat.E4M3, 128)]
    public void AByteThatIsNoScaleIsRefused(ScaleFormat format, byte stored)
    {
        ScalarMatrix packed = Create("e2m1", format, 16, 19, 50);
        byte[][] bytes = [.. packed.ArrayBytes().Select(array => array.ToArray())];
        bytes[2][5] = stored;
        using var folder = new TempFolder();
        Write(folder.Path, packed, bytes);
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => PackedMatrixReader.Read(checkpoint, "w", packed.Spec));
        Assert.Equal("packed-scale", error.Rule);
        Assert.Equal("w.scales", error.Tensor);
        Assert.Equal("packed-scale", Assert.Throws<InvalidFileException>(
            () => PreparedMatrices.Read(checkpoint, "w", packed.Spec, out _, out _, Workers.Shared)).Rule);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(-2f)]
    public void ALevelThatIsNotFiniteOrOutOfOrderIsRefused(float level)
    {
        ScalarMatrix packed = Create("ocp-e4m3", ScaleFormat.Half, 16, 19, 50);
        byte[][] bytes = [.. packed.ArrayBytes().Select(array => array.ToArray())];
        BitConverter.TryWriteBytes(bytes[1].AsSpan(40), level);
        using var folder = new TempFolder();
        Write(folder.Path, packed, bytes);
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        Assert.Equal("packed-levels", Assert.Throws<InvalidFileException>(
            () => PackedMatrixReader.Read(checkpoint, "w", packed.Spec)).Rule);
    }

    private static ScalarMatrix Create(string name, ScaleFormat format, int group, int rows, int columns)
    {
        var random = new Random(group + columns);
        MinifloatFormat minifloat = MinifloatGridTests.Format(name);
        bool floats = MinifloatGrid.IsFloat(minifloat);
        var spec = new ScalarLayout(rows, columns, minifloat.Bits, Granularity.Group(group), rows, 1, !floats
            && !MinifloatGrid.FitsInSByte(minifloat), false) { FloatLevels = floats, ScaleFormat = format };
        LevelTable table = MinifloatGrid.Create(minifloat);
        var codes = new byte[rows * spec.BytesPerRow];
        var row = new byte[columns];
        for (int r = 0; r < rows; r++)
        {
            for (int i = 0; i < columns; i++)
                row[i] = (byte)random.Next(table.Count);
            CodePacking.Pack(row, spec.Bits, codes.AsSpan(r * spec.BytesPerRow, spec.BytesPerRow));
        }
        Half[] scales = [.. Enumerable.Range(0, spec.Scales).Select(_ => format == ScaleFormat.Half
            ? (Half)(random.NextDouble() - 0.5)
            : StoredScale.Values(format)[random.Next(StoredScale.Values(format).Length)])];
        return new ScalarMatrix(spec, [table.WithUnit(MathF.ScaleB(table.Unit, -3))], scales, [], codes);
    }

    private static void Write(string folder, ScalarMatrix packed, IEnumerable<byte[]>? bytes = null)
    {
        IReadOnlyList<TensorInfo> arrays = packed.Spec.Arrays("w");
        using var writer = new CheckpointWriter(folder, arrays);
        foreach ((TensorInfo array, ReadOnlyMemory<byte> data) in arrays.Zip(
            bytes?.Select(array => (ReadOnlyMemory<byte>)array) ?? packed.ArrayBytes()))
            writer.Write(array.Name, data.Span);
        writer.Complete();
    }
}
