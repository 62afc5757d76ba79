using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Kernels.Preparing;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Scalar;

namespace Vernier.Tests.Packing;

/// <summary>The low-rank companion of a packed matrix.</summary>
public class LowRankTests
{
    private const int Rows = 37, Columns = 101;

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(37)]
    public void ItIsAddedAndComesBackFromAFileOfThePromisedSize(int rank)
    {
        ScalarMatrix packed = Create(rank, out float[] product), plain = Create(0, out _);
        Assert.Equal(plain.Spec.StoredBytes + rank * (Rows + Columns + 4), packed.Spec.StoredBytes);
        using var folder = new TempFolder();
        Write(folder.Path, packed, packed.ArrayBytes());
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        Assert.Equal(packed.Spec.StoredBytes, checkpoint.Tensors.Sum(tensor => tensor.Bytes));
        PackedMatrix read = PackedMatrixReader.Read(checkpoint, "w", packed.Spec);
        float[] expected = new float[Columns], actual = new float[Columns], dense = new float[Columns];
        for (int row = 0; row < Rows; row++)
        {
            packed.DequantizeRow(row, expected);
            read.DequantizeRow(row, actual);
            plain.DequantizeRow(row, dense);
            Assert.Equal(expected, actual);
            for (int c = 0; c < Columns; c++)
                Assert.Equal(dense[c] + product[row * Columns + c], actual[c], 1e-4);
        }
        PreparedMatrices.Read(checkpoint, "w", packed.Spec, out Outliers? outliers, out LowRank? lowRank, Workers.Shared);
        Assert.Null(outliers);
        Assert.NotNull(lowRank);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    public void TheProductIsThatOfTheMatrixOnAnyNumberOfThreads(int tokens)
    {
        LowRank lowRank = Create(8, out float[] product).LowRank!;
        var random = new Random(tokens);
        float[] x = [.. Enumerable.Range(0, tokens * Columns).Select(_ => (float)(random.NextDouble() - 0.5))],
            y = [.. Enumerable.Range(0, tokens * Rows).Select(i => (float)i)];
        float[][] results = [.. ((int[])[1, 3]).Select(count =>
        {
            using var workers = new Workers(count);
            float[] result = [.. y];
            lowRank.AddProduct(x, tokens, result, workers);
            return result;
        })];
        Assert.Equal(results[0], results[1]);
        for (int o = 0; o < Rows; o++)
        {
            for (int t = 0; t < tokens; t++)
                Assert.Equal(y[t * Rows + o] + Enumerable.Range(0, Columns).Sum(i => (double)x[t * Columns + i] * product[o * Columns + i]),
                    results[0][t * Rows + o], 1e-3);
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void AScaleThatIsNotFiniteIsRefusedByName(float scale)
    {
        ScalarMatrix packed = Create(8, out _);
        byte[][] bytes = [.. packed.ArrayBytes().Select(array => array.ToArray())];
        BitConverter.TryWriteBytes(bytes[^1].AsSpan(4), scale);
        using var folder = new TempFolder();
        Write(folder.Path, packed, bytes.Select(array => (ReadOnlyMemory<byte>)array));
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => PackedMatrixReader.Read(checkpoint, "w", packed.Spec));
        Assert.Equal("packed-low-rank", error.Rule);
        Assert.Equal("w.low_rank_scales", error.Tensor);
    }

    [Fact]
    public void WhatTheLayoutDoesNotHaveIsNotAddedAndWhatItHasIsNotForgotten()
    {
        ScalarMatrix plain = Create(0, out _), whole = Create(3, out _);
        Refusal.Of<InvalidOperationException>("or it is there already", () => plain.Add(whole.LowRank!));
        Refusal.Of<InvalidOperationException>("or it is there already", () => whole.Add(whole.LowRank!));
        Refusal.Of<InvalidOperationException>("that the layout has is missing",
            () => new ScalarMatrix(whole.Spec, whole.Grids, whole.Scales.ToArray(), [], whole.Codes).ArrayBytes());
        Refusal.Of<ArgumentException>("the factors do not have the size",
            () => new LowRank(whole.Spec, new sbyte[1], new sbyte[3 * Columns], new float[3]));
    }

    private static ScalarMatrix Create(int rank, out float[] product)
    {
        var random = new Random(7);
        ScalarMatrix codes = RandomPacked.Create(random, Rows, Columns, 3, Granularity.Group(64), "uniform");
        Half[] scales = [.. codes.Scales.ToArray().Select(scale => Half.Abs(scale) > Half.One ? Half.One : scale)];
        var matrix = new ScalarMatrix(codes.Spec with { Rank = rank }, codes.Grids, scales, [], codes.Codes);
        sbyte[] left = [.. Enumerable.Range(0, Rows * rank).Select(_ => (sbyte)random.Next(-128, 128))],
            right = [.. Enumerable.Range(0, rank * Columns).Select(_ => (sbyte)random.Next(-128, 128))];
        float[] factors = [.. Enumerable.Range(0, rank).Select(_ => (float)random.NextDouble() * 1e-4f)];
        product = [.. Enumerable.Range(0, Rows * Columns)
            .Select(i => Enumerable.Range(0, rank).Sum(k => factors[k] * left[i / Columns * rank + k] * right[k * Columns + i % Columns]))];
        if (rank > 0)
            matrix.Add(new LowRank(matrix.Spec, left, right, factors));
        return matrix;
    }

    private static void Write(string folder, ScalarMatrix packed, IEnumerable<ReadOnlyMemory<byte>> bytes)
    {
        IReadOnlyList<TensorInfo> arrays = packed.Spec.Arrays("w");
        using var writer = new CheckpointWriter(folder, arrays);
        foreach ((TensorInfo array, ReadOnlyMemory<byte> data) in arrays.Zip(bytes))
            writer.Write(array.Name, data.Span);
        writer.Complete();
    }
}
