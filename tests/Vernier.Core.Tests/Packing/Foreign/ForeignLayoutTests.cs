using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Kernels;
using Vernier.Kernels.Preparing;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Configuration;

namespace Vernier.Tests.Packing.Foreign;

/// <summary>A layout of another assembly costs a registration with what reads its entry, and one with what prepares its matrices.</summary>
public class ForeignLayoutTests
{
    static ForeignLayoutTests()
    {
        PackedLayouts.Register(ForeignLayout.Name, ForeignLayout.Parse);
        PreparedMatrices.Register<ForeignLayout>(new ForeignPreparer());
    }

    [Fact]
    public void ItsEntryIsWrittenAndRead()
    {
        var layout = new ForeignLayout(20, 40, 3) { Outliers = 2 };
        var config = new QuantizationConfig("mine", new Dictionary<string, PackedLayout>(StringComparer.Ordinal) { ["w"] = layout });
        JsonObject json = config.ToJson();
        Assert.Equal("""{"shape":[20,40],"layout":"foreign","step":3,"outliers":2}""", json["tensors"]!["w"]!.ToJsonString());
        Assert.Equal(layout, Read(json)!.Tensors["w"]);
        Assert.Contains(ForeignLayout.Name, PackedLayouts.Names);
    }

    [Fact]
    public void WhatItRefusesIsNamed()
    {
        JsonObject json = new QuantizationConfig(
            "mine", new Dictionary<string, PackedLayout>(StringComparer.Ordinal) { ["w"] = new ForeignLayout(20, 40, 3) }).ToJson();
        json["tensors"]!["w"]!["step"] = 101;
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => Read(json));
        Assert.Equal(("quantization-tensor", "'step' is not a whole number from 1 to 100", "w"), (error.Rule, error.Problem, error.Tensor));
        using var folder = new TempFolder();
        byte[] numbers = new byte[20 * 40];
        numbers[7] = 255;
        Write(folder.Path, new ForeignMatrix(new ForeignLayout(20, 40, 3), numbers));
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        error = Assert.Throws<InvalidFileException>(() => PackedMatrixReader.Read(checkpoint, "w", new ForeignLayout(20, 40, 3)));
        Assert.Equal(("foreign-number", "w.numbers"), (error.Rule, error.Tensor));
    }

    [Fact]
    public void IntegerKernelsMultiplyIt()
    {
        var random = new Random(3);
        var layout = new ForeignLayout(50, 200, 2);
        byte[] numbers = [.. Enumerable.Range(0, 50 * 200).Select(_ => (byte)random.Next(255))];
        using var folder = new TempFolder();
        Write(folder.Path, new ForeignMatrix(layout, numbers));
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        var matrix = (ForeignMatrix)PackedMatrixReader.Read(checkpoint, "w", layout);
        SourceWeights.Check(matrix, new ForeignPreparer().Source(matrix, Workers.Shared));
        float[] x = [.. Enumerable.Range(0, 200).Select(_ => (float)(random.NextDouble() - 0.5))];
        float[] prepared = new float[50], read = new float[50];
        Assert.IsType<PreparedWeight>(matrix.Prepare(Workers.Shared)).Multiply(x, 1, prepared, Workers.Shared);
        PreparedMatrices.Read(checkpoint, "w", layout, out Outliers? outliers, out LowRank? lowRank, Workers.Shared)!.Multiply(
            x, 1, read, Workers.Shared);
        Assert.Equal(prepared, read);
        Assert.Null(outliers);
        Assert.Null(lowRank);
    }

    [Fact]
    public void ANameAndALayoutAreRegisteredOnce()
    {
        Assert.Equal("name", Assert.Throws<ArgumentException>(
            () => PackedLayouts.Register(ForeignLayout.Name, ForeignLayout.Parse)).ParamName);
        Assert.Equal("name", Assert.Throws<ArgumentException>(() => PackedLayouts.Register("scalar", ForeignLayout.Parse)).ParamName);
        Assert.Equal("preparer", Assert.Throws<ArgumentException>(
            () => PreparedMatrices.Register<ForeignLayout>(new ForeignPreparer())).ParamName);
    }

    // Without a preparer a matrix is multiplied in single precision.
    [Fact]
    public void ALayoutWithoutAPreparerIsNotPrepared() => Assert.Null(new LonelyMatrix(new LonelyLayout(1, 1)).Prepare(Workers.Shared));

    private static QuantizationConfig? Read(JsonObject json)
    {
        using JsonDocument document = JsonDocument.Parse(new JsonObject { ["quantization_config"] = json.DeepClone() }.ToJsonString());
        return QuantizationConfig.Read(document.RootElement, "config.json");
    }

    private static void Write(string folder, PackedMatrix matrix)
    {
        IReadOnlyList<TensorInfo> arrays = matrix.Layout.Arrays("w");
        using var writer = new CheckpointWriter(folder, arrays);
        foreach ((TensorInfo array, ReadOnlyMemory<byte> bytes) in arrays.Zip(matrix.ArrayBytes()))
            writer.Write(array.Name, bytes.Span);
        writer.Complete();
    }

    private sealed record LonelyLayout(int Rows, int Columns) : PackedLayout(Rows, Columns)
    {
        public override string Kind => "lonely";

        public override double CodeBits => 0;

        public override string Summary => "";

        public override int GroupColumns => 0;

        protected override IEnumerable<TensorInfo> CodeArrays(string name) => [];

        public override void Describe(JsonObject entry)
        {
        }

        public override PackedMatrix Read(PackedArrays arrays) => new LonelyMatrix(this);
    }

    private sealed class LonelyMatrix(LonelyLayout layout) : PackedMatrix(layout, null)
    {
        public override float Unit => 1;

        protected override void DecodeRow(int row, Span<float> destination) => destination.Clear();

        protected override IEnumerable<ReadOnlyMemory<byte>> CodeArrayBytes() => [];
    }
}
