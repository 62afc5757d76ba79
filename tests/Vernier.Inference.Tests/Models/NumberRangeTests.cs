using System.Text.RegularExpressions;
using Vernier.Errors;
using Vernier.Files.Gguf;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;

namespace Vernier.Tests.Models;

/// <summary>What has no place in the type that it is to have is refused before anything is written, and what has one is written.</summary>
public sealed class NumberRangeTests : IDisposable
{
    private const string Matrix = "model.layers.0.mlp.up_proj.weight", Norm = "model.layers.1.input_layernorm.weight";
    private const int Columns = 256, At = 3 * Columns + 70;

    private readonly TempFolder _work = new();

    public void Dispose() => _work.Dispose();

    // The greatest numbers of BF16 that a type holds, and the next: 2^16 in F16; 8, 127 and 15 x 63 times 65504 where a scale is the
    // largest weight over that.
    [Theory]
    [InlineData("F16", 65280, 65536)]
    [InlineData("BF16", 3.3895314e38f, float.PositiveInfinity)]
    [InlineData("Q8_0", 8.2e6f, 8.4e6f)]
    [InlineData("Q4_0", 5.2e5f, 5.3e5f)]
    [InlineData("Q5_0", 1.03e6f, 1.06e6f)]
    [InlineData("TQ1_0", 65280, 65536)]
    [InlineData("TQ2_0", 65280, 65536)]
    [InlineData("Q4_K_S", 6e5f, 3e38f)]
    [InlineData("Q6_K", 6e5f, 3e38f)]
    [InlineData("Q3_K_S", 6e4f, 3e38f)]
    [InlineData("Q2_K", 6e4f, 3e38f)]
    [InlineData("IQ4_NL", 6e5f, 3e38f)]
    [InlineData("IQ4_XS", 6e5f, 3e38f)]
    public void TheGreatestIsWrittenAndTheNextRefused(string type, float held, float beyond)
    {
        Assert.True(GgufMix.TryGet(type, out GgufMix? mix));
        Assert.Equal(double.IsFinite(beyond), type != "BF16");
        GgufExport.Write(QuillCopy.Write(_work["held"], (Matrix, At, -held)), _work["held.gguf"], mix);
        Assert.All(Numbers(_work["held.gguf"]), number => Assert.True(float.IsFinite(number)));
        string folder = QuillCopy.Write(_work["beyond"], (Matrix, At, beyond));
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => GgufExport.Write(folder, _work["x.gguf"], mix));
        Assert.Equal((float.IsFinite(beyond) ? GgufModelRules.NumberRange : GgufModelRules.NotFinite, Matrix), (error.Rule, error.Tensor));
        Assert.StartsWith("the weight at row 3, column 70 is ", error.Problem, StringComparison.Ordinal);
        Assert.Equal(["beyond", "held", "held.gguf"], _work.Names);
    }

    /// <summary>A row of 2^-36 times small numbers, and a block of it, in types of every kind.</summary>
    [Theory]
    [InlineData("F16", 1)]
    [InlineData("BF16", 0)]
    [InlineData("F32", 0)]
    [InlineData("Q8_0", 8)]
    [InlineData("Q4_0", 8)]
    [InlineData("Q5_1", 8)]
    [InlineData("IQ4_NL", 8)]
    [InlineData("MXFP4", 0)]
    [InlineData("Q2_K", 1)]
    [InlineData("Q3_K", 1)]
    [InlineData("Q4_K", 1)]
    [InlineData("Q6_K", 1)]
    [InlineData("IQ4_XS", 1)]
    [InlineData("TQ2_0", 1)]
    public void WhatBecomesZeroIsFound(string name, int groups)
    {
        float[] weights = TinyModel.Gaussian(4 * Columns, 1);
        for (int i = 0; i < Columns; i++)
            weights[2 * Columns + i] = MathF.ScaleB(i % 7, -36);
        TinyModel.Write(_work["in"], ("w", [4, Columns], weights));
        using var model = Model.Open(_work["in"]);
        Assert.True(GgufTensorType.TryGet(name, out GgufTensorType? type));
        LostNumbers? lost = new NumberRange(model.Checkpoint, Vernier.Numerics.Workers.Shared).FindLost(model.Checkpoint["w"], type);
        Assert.Equal(groups == 0 ? null : new LostNumbers("w", 1, groups, MathF.ScaleB(6, -36)), lost);
        if (groups == 0)
            return;
        Assert.Equal($"w: 1 row and {groups} group{(groups == 1 ? "" : "s")} of numbers up to 8.731E-11 became zero or far too large",
            lost!.ToString());
        weights[2 * Columns] = 1;
        TinyModel.Write(_work["block"], ("w", [4, Columns], weights));
        using var other = Model.Open(_work["block"]);
        LostNumbers? block = new NumberRange(other.Checkpoint, Vernier.Numerics.Workers.Shared).FindLost(other.Checkpoint["w"], type);
        Assert.Equal(groups == 1 ? null : new LostNumbers("w", 0, groups - 1, MathF.ScaleB(6, -36)), block);
    }

    [Theory]
    [InlineData("MXFP4")]
    [InlineData("F32")]
    [InlineData("BF16")]
    public void AnotherTypeForTheTensorIsARemedy(string type)
    {
        string folder = QuillCopy.Write(_work["in"], (Matrix, At, 3e38f));
        Assert.True(GgufMix.TryGet("Q4_0", out GgufMix? mix));
        Assert.True(GgufTensorType.TryGet(type, out GgufTensorType? other));
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => GgufExport.Write(folder, _work["x.gguf"], mix));
        Assert.Equal("Choose BF16 or F32 for this tensor, which is 'blk.0.ffn_up.weight' in the file, or for all", error.Remedy);
        GgufExport.Write(folder, _work["x.gguf"], mix, [new GgufOverride(new Regex("blk.0.ffn_up", RegexOptions.NonBacktracking), other)]);
        float[] numbers = Numbers(_work["x.gguf"]);
        Assert.All(numbers, number => Assert.True(float.IsFinite(number)));
        Assert.InRange(numbers[At], 2.5e38f, 3.1e38f);
    }

    [Theory]
    [InlineData(Matrix, float.NaN, "the weight at row 3, column 70 is NaN")]
    [InlineData(Norm, float.NegativeInfinity, "the number at 70 is -Infinity")]
    public void WhatIsNotFiniteIsRefusedWhateverTheType(string tensor, float bad, string problem)
    {
        string folder = QuillCopy.Write(_work["in"], (tensor, tensor == Norm ? 70 : At, bad));
        foreach (string type in (string[])["F32", "F16", "Q8_0"])
        {
            Assert.True(GgufMix.TryGet(type, out GgufMix? mix));
            InvalidFileException error = Assert.Throws<InvalidFileException>(() => GgufExport.Write(folder, _work["x.gguf"], mix));
            Assert.Equal((GgufModelRules.NotFinite, tensor, problem), (error.Rule, error.Tensor, error.Problem));
        }
        Assert.Equal(["in"], _work.Names);
    }

    [Fact]
    public void NorIsAFolderMadeOfWhatIsNotFinite()
    {
        string folder = QuillCopy.Write(_work["in"]);
        Assert.True(GgufMix.TryGet("F32", out GgufMix? mix));
        GgufExport.Write(folder, _work["good.gguf"], mix);
        byte[] bytes = File.ReadAllBytes(_work["good.gguf"]);
        using (GgufFile file = GgufFile.Open(_work["good.gguf"]))
        {
            byte[] norm = file.Bytes("output_norm.weight").ToArray();
            int at = bytes.AsSpan().LastIndexOf(norm);
            BitConverter.TryWriteBytes(bytes.AsSpan(at + 4 * 9), float.NaN);
        }
        File.WriteAllBytes(_work["bad.gguf"], bytes);
        using var model = Model.Open(_work["bad.gguf"]);
        Directory.CreateDirectory(_work["out"]);
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => GgufExport.WriteFolder(model, _work["out"]));
        Assert.Equal((GgufModelRules.NotFinite, "model.norm.weight", "the number at 9 is NaN"), (error.Rule, error.Tensor, error.Problem));
        Assert.Empty(Directory.EnumerateFiles(_work["out"]));
    }

    private static float[] Numbers(string path)
    {
        using GgufFile file = GgufFile.Open(path);
        var numbers = new float[file["blk.0.ffn_up.weight"].Count];
        file.Read("blk.0.ffn_up.weight", 0, numbers);
        return numbers;
    }
}
