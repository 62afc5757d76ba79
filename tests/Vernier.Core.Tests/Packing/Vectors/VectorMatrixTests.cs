using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Kernels;
using Vernier.Kernels.Preparing;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Vectors;

namespace Vernier.Tests.Packing;

public class VectorMatrixTests
{
    public static TheoryData<int, int, int, int, int, int, int> Specs
    {
        get
        {
            var data = new TheoryData<int, int, int, int, int, int, int>();
            foreach ((int rows, int columns) in ((int, int)[])[(1, 1), (7, 101), (33, 64), (48, 96)])
            {
                foreach ((int dimension, int bits) in ((int, int)[])[(1, 2), (1, 4), (1, 8), (2, 4), (2, 5), (2, 6), (2, 8), (4, 8),
                    (4, 4)])
                {
                    data.Add(rows, columns, dimension, bits, rows, columns, 0);
                    if (rows > 16)
                        data.Add(rows, columns, dimension, bits, 16, 32, 0);
                    if (rows > 16)
                        data.Add(rows, columns, dimension, bits, 32, 32, 16);
                    data.Add(rows, columns, dimension, bits, rows, columns, columns);
                }
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public void EveryWeightIsItsEntryTimesScalesAndComesBackFromTheFile(
        int rows, int columns, int dimension, int bits, int bookRows, int bookColumns, int blockColumns)
    {
        VectorMatrix packed =
            Random(new VectorLayout(rows, columns, dimension, bits, bookRows, bookColumns) { BlockColumns = blockColumns }, 1);
        CheckValues(packed);
        VectorMatrix read = WriteAndRead(packed);
        Assert.Equal(packed.Codes.ToArray(), read.Codes.ToArray());
        Assert.Equal(packed.Entries.ToArray(), read.Entries.ToArray());
        CheckValues(read);
    }

    [Theory]
    [MemberData(nameof(Specs))]
    public void IntegerKernelsMultiplyTheSameWeights(
        int rows, int columns, int dimension, int bits, int bookRows, int bookColumns, int blockColumns)
    {
        VectorMatrix packed =
            Random(new VectorLayout(rows, columns, dimension, bits, bookRows, bookColumns) { BlockColumns = blockColumns }, 2);
        SourceWeights.Check(packed, new VectorPreparer().Source(packed, Workers.Shared));
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(2, 4)]
    [InlineData(4, 8)]
    [InlineData(8, 17)]
    public void AProductOfCoefficientsAndBasisComesBackFromTheFile(int bits, int rank)
    {
        VectorMatrix packed = Random(new VectorLayout(40, 50, 1, bits, 16, 20) { BookRank = rank }, rank);
        CheckValues(packed);
        CheckValues(WriteAndRead(packed));
    }

    /// <summary>The size of the paper: log2(k) / d + 8 k d / l, and 16 bits for the scale of each codebook, 32 for the unit.</summary>
    [Theory]
    [InlineData(1, 2, 16, 64)]
    [InlineData(2, 4, 16, 128)]
    [InlineData(2, 6, 64, 256)]
    [InlineData(4, 8, 256, 256)]
    public void TheSizeIsTheFormulas(int dimension, int bits, int bookRows, int bookColumns)
    {
        var layout = new VectorLayout(256, 768, dimension, bits, bookRows, bookColumns);
        double l = bookRows * bookColumns, weights = 256 * 768;
        Assert.Equal((double)bits / dimension + (8.0 * dimension * (1 << bits) + 16) / l + 32 / weights, 8 * layout.StoredBytes / weights,
            1e-12);
        Assert.Equal(4.0 / 32 + 32 / weights, 8 * ((layout with { BlockColumns = 32 }).StoredBytes - layout.StoredBytes) / weights, 1e-12);
    }

    [Fact]
    public void AnEntryOfAProductIsTheNearestInteger()
    {
        var random = new Random(1);
        sbyte[] coefficients = [.. Enumerable.Range(0, 300).Select(_ => (sbyte)random.Next(-128, 128))],
            basis = [.. Enumerable.Range(0, 24).Select(_ => (sbyte)random.Next(-128, 128))];
        sbyte[] entries = VectorMatrix.Product(coefficients, basis, 3, 8);
        for (int i = 0; i < entries.Length; i++)
        {
            double sum = Enumerable.Range(0, 3).Sum(r => (double)coefficients[i / 8 * 3 + r] * basis[r * 8 + i % 8]) / 127;
            Assert.Equal(Math.Clamp(Math.Round(sum), -127, 127), entries[i]);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(17)]
    public void TheProductIsThatOfTheDequantizedWeights(int rows)
    {
        VectorMatrix packed = Random(new VectorLayout(70, 101, 2, 6, 32, 48) { BlockColumns = 24 }, rows);
        var random = new Random(rows);
        float[] x = [.. Enumerable.Range(0, rows * 101).Select(_ => (float)(random.NextDouble() - 0.5))], y = new float[rows * 70],
            weights = new float[101];
        PackedProduct.Multiply(x, rows, packed, y, Workers.Shared);
        for (int o = 0; o < 70; o++)
        {
            packed.DequantizeRow(o, weights);
            for (int r = 0; r < rows; r++)
                Assert.Equal(Enumerable.Range(0, 101).Sum(i => (double)x[r * 101 + i] * weights[i]), y[r * 70 + o], 1e-4);
        }
    }

    [Fact]
    public void DamagedArraysAreRefusedByName()
    {
        VectorMatrix packed = Random(new VectorLayout(40, 50, 1, 4, 16, 20) { BlockColumns = 20, BookRank = 3 }, 5);
        for (int array = 0; array < 6; array++)
        {
            int at = array;
            Refused("packed-array", (arrays, bytes) => { arrays.RemoveAt(at); bytes.RemoveAt(at); });
            Refused("packed-shape", (arrays, _) => arrays[at] = arrays[at] with { Shape = [.. arrays[at].Shape, 1] });
        }
        Refused("packed-scale", (_, bytes) => bytes[3] = [.. bytes[3][..^2], 0x00, 0x7C]);
        foreach (float unit in (float[])[0.3f, 0, -1, float.NaN, float.PositiveInfinity, float.Epsilon])
            Refused("packed-units", (_, bytes) => BitConverter.TryWriteBytes(bytes[0], unit));
        foreach (float step in (float[])[-1, 9, float.NaN, float.PositiveInfinity])
            Refused("packed-units", (_, bytes) => BitConverter.TryWriteBytes(bytes[0].AsSpan(4), step));

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
    public void WhatDoesNotGoTogetherIsRefused()
    {
        VectorMatrix packed = Random(new VectorLayout(32, 64, 2, 4, 16, 64), 3);
        sbyte[] entries = packed.Entries.ToArray();
        Half[] scales = packed.Scales.ToArray();
        var parts = new VectorParts(0.5f, entries, scales);
        _ = new VectorMatrix(packed.Spec, parts, packed.Codes);
        Refusal.Of<ArgumentException>("the unit is no power of two",
            () => new VectorMatrix(packed.Spec, new VectorParts(0.3f, entries, scales), packed.Codes));
        Refusal.Of<ArgumentException>("an array does not have the size",
            () => new VectorMatrix(packed.Spec, new VectorParts(0.5f, entries, new Half[3]), packed.Codes));
        Refusal.Of<ArgumentException>("an array does not have the size", () => new VectorMatrix(
            packed.Spec, new VectorParts(0.5f, entries, scales) { Basis = new sbyte[1] }, packed.Codes));
        Refusal.Of<ArgumentException>("an array does not have the size", () => new VectorMatrix(
            packed.Spec, new VectorParts(0.5f, entries, scales) { Blocks = new byte[1] }, packed.Codes));
        Refusal.Of<ArgumentException>("an array does not have the size", () => new VectorMatrix(packed.Spec, parts, packed.Codes[1..]));
        Refusal.Of<ArgumentException>("'dimension' is not 1, 2 or 4",
            () => new VectorMatrix(packed.Spec with { Dimension = 3 }, parts, packed.Codes));
        Refusal.Of<ArgumentException>("'book_rows' is neither",
            () => new VectorMatrix(packed.Spec with { BookRows = 8 }, parts, packed.Codes));
        Refusal.Of<ArgumentException>("'book_columns' is neither",
            () => new VectorMatrix(packed.Spec with { BookColumns = 12 }, parts, packed.Codes));
        Refusal.Of<ArgumentException>("'block_columns' is no multiple of 8",
            () => new VectorMatrix(packed.Spec with { BlockColumns = 24 }, parts, packed.Codes));
        Refusal.Of<ArgumentException>("'book_rank' is above",
            () => new VectorMatrix(packed.Spec with { BookRank = 2 }, parts, packed.Codes));
    }

    /// <summary>A matrix of random indices, codebooks and scales.</summary>
    internal static VectorMatrix Random(VectorLayout layout, int seed)
    {
        var random = new Random(seed);
        var codes = new byte[layout.Rows * layout.BytesPerRow];
        var row = new byte[layout.Vectors];
        for (int r = 0; r < layout.Rows; r++)
        {
            for (int i = 0; i < row.Length; i++)
                row[i] = (byte)random.Next(layout.Entries);
            CodePacking.Pack(row, layout.IndexBits, codes.AsSpan(r * layout.BytesPerRow, layout.BytesPerRow));
        }
        var parts = new VectorParts(1f / 128, Bytes(
            layout.BookRank > 0 ? layout.Books * layout.BookRank : layout.Books * layout.Entries * layout.Dimension),
            [.. Enumerable.Range(0, layout.Books).Select(_ => (Half)(2 * random.NextDouble() - 1))])
        {
            Basis = Bytes(layout.BookRank * layout.Entries),
            BlockStep = layout.BlockColumns > 0 ? 0.3f : 0,
            Blocks = new byte[layout.Rows * layout.BlockBytesPerRow],
        };
        random.NextBytes(parts.Blocks);
        return new VectorMatrix(layout, parts, codes);

        sbyte[] Bytes(int count) => [.. Enumerable.Range(0, count).Select(_ => (sbyte)random.Next(-127, 128))];
    }

    private static void CheckValues(VectorMatrix packed)
    {
        VectorLayout spec = packed.Spec;
        var row = new float[spec.Columns];
        byte[] codes = new byte[spec.Vectors], blocks = new byte[spec.Blocks];
        for (int r = 0; r < spec.Rows; r++)
        {
            packed.DequantizeRow(r, row);
            packed.UnpackRow(r, codes);
            if (blocks.Length > 0)
                packed.UnpackBlocks(r, blocks);
            for (int c = 0; c < spec.Columns; c++)
            {
                int book = r / spec.BookRows * spec.BooksAcross + c / spec.BookColumns;
                double block = blocks.Length == 0 ? 1 : Math.Pow(2, -0.3f * blocks[c / spec.BlockColumns]);
                double entry = packed.Entries.Span[(book * spec.Entries + codes[c / spec.Dimension]) * spec.Dimension + c % spec.Dimension];
                double expected = packed.Unit * (double)packed.Scales.Span[book] * block * entry;
                Assert.Equal(expected, row[c], 1e-6 * Math.Abs(expected));
            }
        }
    }

    private static VectorMatrix WriteAndRead(VectorMatrix packed)
    {
        using var folder = new TempFolder();
        using (var writer = new CheckpointWriter(folder.Path, packed.Spec.Arrays("w")))
        {
            foreach ((TensorInfo array, ReadOnlyMemory<byte> bytes) in packed.Spec.Arrays("w").Zip(packed.ArrayBytes()))
                writer.Write(array.Name, bytes.Span);
            writer.Complete();
        }
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        Assert.Equal(packed.Spec.StoredBytes, packed.ArrayBytes().Sum(array => (long)array.Length));
        Assert.Equal(packed.Spec.StoredBytes, checkpoint.Tensors.Sum(tensor => tensor.Bytes));
        return (VectorMatrix)PackedMatrixReader.Read(checkpoint, "w", packed.Spec);
    }
}
