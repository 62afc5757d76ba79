using System.Runtime.InteropServices;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Grids.Uniform;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Scalar;

namespace Vernier.Tests.Packing;

/// <summary>The sparse companion of a packed matrix.</summary>
public class OutlierTests
{
    private const int Rows = 70;

    [Theory]
    [InlineData(101, 500, 0)]
    [InlineData(101, 1, 0)]
    [InlineData(101, 70 * 101, 0)]
    [InlineData(70_000, 90, 0)]
    [InlineData(101, 0, 1)]
    [InlineData(101, 0, 101)]
    [InlineData(70_000, 0, 3)]
    public void OutliersAreAddedAndComeBackFromAFileOfThePromisedSize(int columns, int single, int whole)
    {
        ScalarMatrix packed = Create(columns, single, whole),
            plain = new(packed.Spec with { Outliers = 0, OutlierColumns = 0 }, packed.Grids, packed.Scales.ToArray(), [], packed.Codes);
        using var folder = new TempFolder();
        Write(folder.Path, packed.Spec.Arrays("w"), packed.ArrayBytes());
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        var read = (ScalarMatrix)PackedMatrixReader.Read(checkpoint, "w", packed.Spec);
        Assert.Equal(packed.Spec.StoredBytes, checkpoint.Tensors.Sum(tensor => tensor.Bytes));
        int index = columns > 65535 ? 4 : 2;
        Assert.Equal(packed.Spec.StoredBytes - plain.Spec.StoredBytes, whole > 0 ? whole * index + 2 * Rows * whole
            : (Rows + single) * index + 2 * single);
        float[] dense = new float[columns], expected = new float[columns], actual = new float[columns];
        int all = 0;
        for (int row = 0; row < Rows; row++)
        {
            plain.DequantizeRow(row, dense);
            packed.DequantizeRow(row, expected);
            read.DequantizeRow(row, actual);
            Assert.Equal(expected, actual);
            ReadOnlySpan<int> places = packed.Outliers!.Columns(row);
            for (int i = 0; i < places.Length; i++)
                dense[places[i]] += packed.Grids[0].Unit * (float)packed.Outliers.Values(row)[i];
            Assert.Equal(expected, dense);
            all += places.Length;
        }
        Assert.Equal(packed.Spec.OutlierValues, all);
    }

    [Theory]
    [InlineData(500, 0, 1)]
    [InlineData(500, 0, 9)]
    [InlineData(0, 3, 1)]
    [InlineData(0, 3, 9)]
    public void TheProductIsThatOfTheMatrixOnAnyNumberOfThreads(int single, int whole, int tokens)
    {
        Outliers outliers = Create(101, single, whole).Outliers!;
        var random = new Random(tokens);
        float[] x = [.. Enumerable.Range(0, tokens * 101).Select(_ => (float)(random.NextDouble() - 0.5))],
            y = [.. Enumerable.Range(0, tokens * Rows).Select(i => (float)i)];
        float[][] results = [.. ((int[])[1, 3]).Select(count =>
        {
            using var workers = new Workers(count);
            float[] result = [.. y];
            outliers.AddProduct(x, tokens, result, workers);
            return result;
        })];
        Assert.Equal(results[0], results[1]);
        var row = new float[101];
        for (int o = 0; o < Rows; o++)
        {
            row.AsSpan().Clear();
            outliers.AddTo(o, row);
            for (int t = 0; t < tokens; t++)
                Assert.Equal(y[t * Rows + o] + Enumerable.Range(0, 101).Sum(i => (double)x[t * 101 + i] * row[i]), results[0][t * Rows + o],
                    1e-4);
        }
    }

    [Theory]
    [InlineData(101)]
    [InlineData(70_000)]
    public void HostileOutliersAreRefusedByName(int columns)
    {
        ScalarMatrix packed = Create(columns, 500, 0);
        int index = columns > 65535 ? 4 : 2, counts = 4;
        Refused(bytes => Put(bytes[counts], 0, packed.Outliers!.Columns(0).Length + 1));
        Refused(bytes => Put(bytes[counts], 0, index == 4 ? -1 : 65535));
        Refused(bytes => Put(bytes[counts + 1], 0, index == 4 ? int.MaxValue : columns));
        Refused(bytes => Put(bytes[counts + 1], 1, packed.Outliers!.Columns(0)[0]));
        Refused(bytes => bytes[counts + 2] = [.. bytes[counts + 2][..^2], 0x00, 0xFC]);
        ScalarMatrix whole = Create(columns, 0, 3);
        Refused(bytes => Put(bytes[counts], 1, whole.Outliers!.Columns(0)[0]), whole);
        Refused(bytes => Put(bytes[counts], 2, index == 4 ? -5 : columns), whole);

        void Put(byte[] array, int at, int value)
        {
            if (index == 4)
                MemoryMarshal.Cast<byte, int>(array.AsSpan())[at] = value;
            else
                MemoryMarshal.Cast<byte, ushort>(array.AsSpan())[at] = (ushort)value;
        }

        void Refused(Action<List<byte[]>> damage, ScalarMatrix? of = null)
        {
            of ??= packed;
            List<byte[]> bytes = [.. of.ArrayBytes().Select(array => array.ToArray())];
            damage(bytes);
            using var folder = new TempFolder();
            Write(folder.Path, of.Spec.Arrays("w"), bytes.Select(array => (ReadOnlyMemory<byte>)array));
            using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
            InvalidFileException error = Assert.Throws<InvalidFileException>(() => PackedMatrixReader.Read(checkpoint, "w", of.Spec));
            Assert.Equal("packed-outliers", error.Rule);
            Assert.Equal("w.outliers", error.Tensor);
        }
    }

    [Theory]
    [InlineData(ElementType.F16)]
    [InlineData(ElementType.BF16)]
    [InlineData(ElementType.F32)]
    public void OutliersOfTheSourceComeBackBitForBit(ElementType type)
    {
        var random = new Random(3);
        var spec = new ScalarLayout(Rows, 101, 4, Granularity.Channel, Rows, 1, false, false) { Outliers = 200, OutlierSource = type };
        var table = UniformGrid.Create(4, Vernier.Grids.LevelLayout.Symmetric);
        // Code 7 stands for zero.
        byte[] row = [.. Enumerable.Repeat((byte)7, 101)], codes = new byte[Rows * spec.BytesPerRow];
        for (int r = 0; r < Rows; r++)
            CodePacking.Pack(row, 4, codes.AsSpan(r * spec.BytesPerRow, spec.BytesPerRow));
        int[] places = [.. Enumerable.Range(0, Rows * 101).OrderBy(_ => random.Next()).Take(200).Order()],
            counts = [.. Enumerable.Range(0, Rows).Select(r => places.Count(place => place / 101 == r))];
        float[] values = [.. places.Select((_, i) =>
            Of(i < 2 ? float.Epsilon * (1 << 23) : (float)Math.ScaleB(random.NextDouble() - 0.5, random.Next(-9, 12))))];
        var packed = new ScalarMatrix(spec, [table], [.. Enumerable.Repeat((Half)0.3, Rows)], [], codes,
            new Outliers(spec, 1, counts, Array.ConvertAll(places, place => place % 101), values));
        using var folder = new TempFolder();
        Write(folder.Path, spec.Arrays("w"), packed.ArrayBytes());
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        Assert.Equal(spec.StoredBytes, checkpoint.Tensors.Sum(tensor => tensor.Bytes));
        Assert.Equal(200 * (type == ElementType.F32 ? 4 : 2), checkpoint["w.outliers"].Bytes);
        PackedMatrix read = PackedMatrixReader.Read(checkpoint, "w", spec);
        var line = new float[101];
        for (int i = 0; i < places.Length; i++)
        {
            read.DequantizeRow(places[i] / 101, line);
            Assert.Equal(BitConverter.SingleToUInt32Bits(values[i]), BitConverter.SingleToUInt32Bits(line[places[i] % 101]));
        }
        Refusal.Of<ArgumentException>("have the unit 1",
            () => new Outliers(spec, 0.5f, counts, Array.ConvertAll(places, place => place % 101), values));

        float Of(float value) => type switch
        {
            ElementType.F16 => (float)(Half)value,
            ElementType.BF16 => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value) & 0xFFFF0000),
            _ => value,
        };
    }

    [Fact]
    public void OutliersThatTheSpecificationDoesNotHaveAreRefused()
    {
        ScalarMatrix packed = Create(101, 500, 0);
        Refusal.Of<ArgumentException>("the outliers are not those that the layout gives",
            () => new ScalarMatrix(packed.Spec, packed.Grids, packed.Scales.ToArray(), [], packed.Codes));
        Refusal.Of<ArgumentException>("the outliers are not those that the layout gives", () => new ScalarMatrix(
            packed.Spec with { Outliers = 0 }, packed.Grids, packed.Scales.ToArray(), [], packed.Codes, packed.Outliers));
        Refusal.Of<ArgumentException>("another unit than the matrix", () => new ScalarMatrix(
            packed.Spec, [packed.Grids[0].WithUnit(1)], packed.Scales.ToArray(), [], packed.Codes, packed.Outliers));
        Refusal.Of<ArgumentException>("not as many outliers", () => new Outliers(packed.Spec, 1, new int[Rows], [], []));
    }

    /// <summary>A matrix of random codes with random outliers.</summary>
    private static ScalarMatrix Create(int columns, int single, int whole)
    {
        var random = new Random(columns + single + whole);
        var spec = new ScalarLayout(Rows, columns, 3, Granularity.Group(64), Rows, 1, false, false) {
            Outliers = single, OutlierColumns = whole };
        var codes = new byte[Rows * spec.BytesPerRow];
        random.NextBytes(codes);
        Half[] scales = [.. Enumerable.Range(0, spec.Scales).Select(_ => (Half)random.NextDouble())];
        int[] places = [.. Enumerable.Range(0, whole > 0 ? columns : Rows * columns).OrderBy(_ => random.Next()).Take(single + whole)
            .Order()];
        int[] counts = whole > 0 ? [] : [.. Enumerable.Range(0, Rows).Select(row => places.Count(place => place / columns == row))];
        float[] values = [.. Enumerable.Range(0, spec.OutlierValues).Select(_ => (float)(Half)(8 * random.NextDouble() - 4))];
        var table = UniformGrid.Create(3, Vernier.Grids.LevelLayout.Full);
        return new ScalarMatrix(spec, [table], scales, [], codes,
            new Outliers(spec, table.Unit, counts, Array.ConvertAll(places, place => place % columns), values));
    }

    private static void Write(string folder, IReadOnlyList<TensorInfo> arrays, IEnumerable<ReadOnlyMemory<byte>> bytes)
    {
        using var writer = new CheckpointWriter(folder, arrays);
        foreach ((TensorInfo array, ReadOnlyMemory<byte> data) in arrays.Zip(bytes))
            writer.Write(array.Name, data.Span);
        writer.Complete();
    }
}
