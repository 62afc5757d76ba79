using Vernier.Files;
using Vernier.Inference;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Inference.Passes;
using Vernier.Inference.Weights;
using Vernier.Packing;

namespace Vernier.Tests.Models;

/// <summary>A model that Vernier packed, opened as floats: its weights are what the codes stand for, whatever it is written as.</summary>
public sealed class DequantizedTests : IDisposable
{
    private static readonly int[] s_tokens = [3, 17, 5, 0, 41, 22, 79, 13];

    private readonly TempFolder _work = new();

    [Theory]
    [InlineData(0, ElementType.F32)]
    [InlineData(3, ElementType.F32)]
    [InlineData(3, ElementType.BF16)]
    [InlineData(0, ElementType.F16)]
    public void EachMatrixIsWhatItsCodesStandFor(int outliers, ElementType type)
    {
        using var folder = new PackedFolder(outliers);
        using var packed = Model.Open(folder.Path);
        using var floats = Model.OpenFloat(folder.Path, type);
        Assert.Equal(("test", null), (floats.DequantizedFrom, floats.Quantization));
        Assert.False(floats.Config.TryGetProperty("quantization_config", out _));
        floats.Check();
        foreach ((string name, PackedLayout layout) in packed.Quantization!.Tensors)
        {
            PackedMatrix matrix = PackedMatrixReader.Read(packed.Checkpoint, name, layout);
            float[] expected = new float[layout.Rows * layout.Columns];
            for (int row = 0; row < layout.Rows; row++)
                matrix.DequantizeRow(row, expected.AsSpan(row * layout.Columns, layout.Columns));
            TensorInfo info = floats.Checkpoint[name];
            Assert.Equal(new TensorInfo(name, type, [layout.Rows, layout.Columns]), info);
            float[] read = new float[expected.Length - 7];
            floats.Checkpoint.Read(info, 5, read);
            Assert.Equal(expected[5..^2], read);
            byte[] bytes = new byte[expected.Length * type.Size()], part = new byte[101];
            FloatBytes.Write(expected, type, bytes);
            Assert.Equal(bytes, floats.Checkpoint.Bytes(info).ToArray());
            floats.Checkpoint.ReadOnce(info, 33, part);
            Assert.Equal(bytes[33..134], part);
            Assert.Throws<ArgumentOutOfRangeException>(() => floats.Checkpoint.ReadBytes(info, bytes.Length - 100, part));
        }
        Assert.Equal(21, floats.Checkpoint.Tensors.Count());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WhatIsWrittenComputesTheSame(bool tied)
    {
        using var folder = new PackedFolder(3, tied: tied);
        float[] expected = Logits(folder.Path, PackedArithmetic.Float);
        using (var floats = Model.OpenFloat(folder.Path))
        {
            Directory.CreateDirectory(_work["out"]);
            GgufExport.WriteFolder(floats, _work["out"]);
        }
        float tolerance = 1e-4f * expected.Max(Math.Abs);
        Assert.All(expected.Zip(Logits(_work["out"], PackedArithmetic.Float)), pair => Assert.Equal(pair.First, pair.Second, tolerance));
        using var written = Model.Open(_work["out"]);
        Assert.Equal("test", written.Checkpoint.Files.Single().Metadata["vernier.dequantized_from"]);
        Assert.False(written.Config.TryGetProperty("quantization_config", out _));
        Assert.Null(written.DequantizedFrom);
    }

    [Fact]
    public void AModelOfFloatsStaysAsItIs()
    {
        using var model = Model.OpenFloat(SharedData.Quill);
        Assert.Null(model.DequantizedFrom);
        Assert.Equal(ElementType.BF16, model.Checkpoint["model.norm.weight"].Type);
        Refusal.Of<ArgumentOutOfRangeException>("type", () => Model.OpenFloat(SharedData.Quill, ElementType.F64));
    }

    public void Dispose() => _work.Dispose();

    private static float[] Logits(string path, PackedArithmetic arithmetic)
    {
        var model = LanguageModel.Load(path, arithmetic);
        return model.CreateSession().Forward([new Segment(s_tokens)], LogitRows.All).ToArray();
    }
}
