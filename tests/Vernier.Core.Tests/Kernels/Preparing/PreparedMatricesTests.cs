using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Files.Gguf.Blocks;
using Vernier.Kernels;
using Vernier.Kernels.Preparing;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Ggml;
using Vernier.Packing.Scalar;
using Vernier.Packing.Trits;
using Vernier.Packing.TwoLevel;
using Vernier.Packing.Vectors;

namespace Vernier.Tests.Packing;

/// <summary>Preparing by the type of a layout: from memory and from a file, with what is added to the codes.</summary>
[UsesInstructions]
public class PreparedMatricesTests
{
    private const int Rows = 32, Columns = 64;

    public static TheoryData<PackedLayout, bool> Layouts => new()
    {
        { new ScalarLayout(Rows, Columns, 4, Granularity.Group(16), Rows, 1, false, false), true },
        { new TritLayout(Rows, Columns, 32, TritStorage.TwoBits), true },
        { new BlockLayout(Rows, Columns, BlockFormats.Q4_0), true },
        { new TwoLevelLayout(Rows, Columns, 4, 32), false },
        { new VectorLayout(Rows, Columns, 2, 4, 16, 32), true },
    };

    [Theory]
    [MemberData(nameof(Layouts), DisableDiscoveryEnumeration = true)]
    public void FromAFileAMatrixIsPreparedAsFromMemory(PackedLayout layout, bool keepsWeights)
    {
        using var folder = new TempFolder();
        Write(folder.Path, layout, 7);
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        PackedMatrix matrix = PackedMatrixReader.Read(checkpoint, "w", layout);
        IPreparedMatrix memory = matrix.Prepare(Workers.Shared)!;
        IPreparedMatrix file =
            PreparedMatrices.Read(checkpoint, "w", layout, out Outliers? outliers, out LowRank? lowRank, Workers.Shared)!;
        Assert.Null(outliers);
        Assert.Null(lowRank);
        var random = new Random(1);
        float[] x = [.. Enumerable.Range(0, 3 * Columns).Select(_ => random.NextSingle() - 0.5f)];
        float[] first = new float[3 * Rows], second = new float[first.Length], row = new float[Columns];
        memory.Multiply(x, 3, first, Workers.Shared);
        file.Multiply(x, 3, second, Workers.Shared);
        Assert.Equal(first, second);
        Assert.Contains(first, value => value != 0);
        for (int r = 0; r < Rows; r++)
        {
            matrix.DequantizeRow(r, row);
            double exact = row.Zip(x).Sum(pair => (double)pair.First * pair.Second);
            double size = row.Zip(x).Sum(pair => Math.Abs((double)pair.First * pair.Second));
            // Activations have 8 bits: an error of 1 / 254 of the largest of a group each.
            Assert.Equal(exact, first[r], 0.05 * size + 1e-4);
        }
        PreparedRows? rows = PreparedMatrices.Rows(layout, file);
        Assert.Equal(keepsWeights, rows is not null);
        var decoded = new float[Columns];
        rows?.Decode(Rows - 1, decoded);
        if (rows is not null)
            Assert.Equal(row, decoded);
    }

    [Theory]
    [MemberData(nameof(Layouts), DisableDiscoveryEnumeration = true)]
    public void WhatIsAddedIsHandedOutBesideTheCodes(PackedLayout layout, bool keepsWeights)
    {
        Assert.Equal(keepsWeights, layout is not TwoLevelLayout);
        PackedLayout more = layout with { OutlierColumns = 2, Rank = 1 };
        using var folder = new TempFolder();
        Write(folder.Path, more, 9);
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        PackedMatrix matrix = PackedMatrixReader.Read(checkpoint, "w", more);
        Assert.NotNull(PreparedMatrices.Read(checkpoint, "w", more, out Outliers? outliers, out LowRank? lowRank, Workers.Shared));
        float[] all = new float[Columns], codes = new float[Columns];
        for (int row = 0; row < Rows; row += 31)
        {
            matrix.DequantizeRow(row, all);
            PackedMatrixReader.Read(checkpoint, "w", layout).DequantizeRow(row, codes);
            Assert.NotEqual(codes, all);
            outliers!.AddTo(row, codes);
            lowRank!.AddTo(row, codes);
            Assert.Equal(all, codes);
        }
    }

    [Fact]
    public void ALayoutHasOnePreparer()
    {
        Refused<ScalarLayout>();
        Refused<VectorLayout>();
        Refused<BlockLayout>();
        Refused<TritLayout>();
        Refused<TwoLevelLayout>();
        Refusal.Of<ArgumentNullException>("preparer", () => PreparedMatrices.Register<ScalarLayout>(null!));

        static void Refused<T>()
            where T : PackedLayout
        {
            ArgumentException error = Assert.Throws<ArgumentException>(() => PreparedMatrices.Register<T>(new ForeignScalar()));
            Assert.StartsWith($"there is a preparer of {typeof(T).Name} already", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void AFileWithAScaleThatIsNoNumberIsRefusedWhileItIsPrepared()
    {
        var layout = new TritLayout(Rows, Columns, 32, TritStorage.TwoBits);
        using var folder = new TempFolder();
        Write(folder.Path, layout, 3, damage: "w.scales");
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        InvalidFileException error = Assert.Throws<InvalidFileException>(
            () => PreparedMatrices.Read(checkpoint, "w", layout, out _, out _, Workers.Shared));
        Assert.Equal(("packed-scale", "w.scales", "a scale is not finite"), (error.Rule, error.Tensor, error.Problem));
    }

    private static void Write(string folder, PackedLayout layout, int seed, string? damage = null)
    {
        var random = new Random(seed);
        using var writer = new CheckpointWriter(folder, layout.Arrays("w"));
        while (writer.Current is TensorInfo array)
        {
            byte[] bytes = Data(random, layout, array);
            if (array.Name == damage)
                bytes.AsSpan().Fill(0x7C);
            writer.Write(array.Name, bytes);
        }
        writer.Complete();
    }

    // Numbers that are allowed in each array.
    private static byte[] Data(Random random, PackedLayout layout, TensorInfo array) => array.Name[2..] switch
    {
        "grid" => Singles(1, 0, 0.125f),
        "unit" or "units" => Singles(0.125f),
        "low_rank_scales" => Singles(0.01f),
        "outlier_columns" => [1, 0, 63, 0],
        "levels" => [.. Enumerable.Range(-8, 16).Select(level => (byte)(sbyte)level)],
        "factors" => [.. Enumerable.Range(0, (int)array.Bytes).Select(_ => (byte)random.Next(1, 8))],
        "trits" => [.. Enumerable.Range(0, (int)array.Bytes).Select(_ => (byte)(random.Next(3) | random.Next(3) << 6))],
        "codes" when layout is BlockLayout => [.. Enumerable.Range(0, (int)array.Bytes / 18).SelectMany(_ => Block(random))],
        _ when array.Type == ElementType.F16 => [.. Enumerable.Range(0, (int)array.Count).SelectMany(i => Number(i))],
        _ => [.. Enumerable.Range(0, (int)array.Bytes).Select(_ => (byte)random.Next(256))],
    };

    private static byte[] Number(int i) => BitConverter.GetBytes((Half)Math.ScaleB(i % 2 == 0 ? 1 : 1.5, -(i % 3)));

    private static byte[] Block(Random random) => [0x00, 0x30, .. Enumerable.Range(0, 16).Select(_ => (byte)random.Next(256))];

    private static byte[] Singles(params float[] values) => [.. values.SelectMany(BitConverter.GetBytes)];

    private sealed class ForeignScalar : ILayoutPreparer
    {
        public IPreparedMatrix? Prepare(PackedMatrix matrix, Workers workers) => null;
    }
}
