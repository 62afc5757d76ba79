using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Vernier.Errors;
using Vernier.Files.Gguf;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Quantization.Allocation;
using Vernier.Quantization.Gguf;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;

namespace Vernier.Tests.Pipeline;

/// <summary>Numbers that are not finite, or would not be in the format that they are to have, are found before any work.</summary>
public sealed class WeightCheckTests : IDisposable
{
    private const string Matrix = "model.layers.0.mlp.up_proj.weight", Norm = "model.layers.0.input_layernorm.weight";

    private readonly TempFolder _work = new();

    public void Dispose() => _work.Dispose();

    [Theory]
    [InlineData("gguf-datafree", 1e9f, "weight-out-of-range")]
    [InlineData("gguf-datafree", 3e38f, "weight-out-of-range")]
    [InlineData("rtn", float.NaN, "weight-not-finite")]
    public void AFolderIsRefusedAWeight(string recipe, float number, string rule)
    {
        string model = QuillCopy.Write(_work["in"], (Matrix, 3 * 256 + 70, number));
        InvalidFileException error = Assert.Throws<InvalidFileException>(
            () => new PipelineRun(model, _work["out"]) { Recipe = recipe }.Run());
        Assert.Equal((rule, Matrix), (error.Rule, error.Tensor));
        Assert.StartsWith("the weight at row 3, column 70 is ", error.Problem, StringComparison.Ordinal);
        Assert.Equal(["in"], _work.Names);
    }

    [Theory]
    [InlineData("rtn")]
    [InlineData("rtn-asymmetric")]
    [InlineData("nvfp4")]
    public void ScalesTimesAPowerOfTwoHoldLargeWeights(string recipe)
    {
        string model = QuillCopy.Write(_work["in"], (Matrix, 3 * 256 + 70, 1e37f));
        QuantizedTensorReport report = new PipelineRun(model, _work["out"]) { Recipe = recipe }.Run()
            .Single(report => report.Name == Matrix);
        Assert.InRange(report.Error.Relative, 0, 0.01);
    }

    [Fact]
    public void WhatStaysAsItIsHasToBeFiniteUnlessItIsAskedFor()
    {
        string model = QuillCopy.Write(_work["in"], (Norm, 70, float.PositiveInfinity));
        var run = new PipelineRun(model, _work["out"]) { Recipe = "rtn" };
        InvalidFileException error = Assert.Throws<InvalidFileException>(run.Run);
        Assert.Equal(("weight-not-finite", Norm, "the number at 70 is Infinity"), (error.Rule, error.Tensor, error.Problem));
        Assert.Equal(["in"], _work.Names);
        (run with { Keep = "layernorm" }).Run();
        using var copy = Model.Open(_work["out"]);
        using var source = Model.Open(model);
        Assert.True(copy.Checkpoint.Bytes(copy.Checkpoint[Norm]).SequenceEqual(source.Checkpoint.Bytes(source.Checkpoint[Norm])));
    }

    [Theory]
    [InlineData("Q4_0", 1e6f, GgufModelRules.NumberRange)]
    [InlineData("Q4_K_M", 3e38f, GgufModelRules.NumberRange)]
    [InlineData("F16", 7e4f, GgufModelRules.NumberRange)]
    [InlineData("Q8_0", float.NaN, GgufModelRules.NotFinite)]
    public void AGgufFileIsRefusedAWeight(string type, float number, string rule)
    {
        using var model = Model.Open(QuillCopy.Write(_work["in"], (Matrix, 3 * 256 + 70, number)));
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => Write(model, "out.gguf", type));
        Assert.Equal((rule, Matrix), (error.Rule, error.Tensor));
        Assert.StartsWith("the weight at row 3, column 70 is ", error.Problem, StringComparison.Ordinal);
        Assert.Equal(["in"], _work.Names);
    }

    [Fact]
    public void AnotherTypeForTheTensorIsARemedy()
    {
        using var model = Model.Open(QuillCopy.Write(_work["in"], (Matrix, 3 * 256 + 70, 1e6f)));
        Write(model, "out.gguf", "Q4_0", new GgufOverride(new Regex("blk.0.ffn_up", RegexOptions.NonBacktracking), GgufTensorType.BF16));
        using var copy = Model.Open(_work["out.gguf"]);
        Assert.True(copy.Checkpoint.Bytes(copy.Checkpoint[Matrix]).SequenceEqual(model.Checkpoint.Bytes(model.Checkpoint[Matrix])));
    }

    /// <summary>Types that are no blocks are written as an export writes them, and one is not taken for the other.</summary>
    [Fact]
    public void AFileOfFloatsIsThatOfAnExport()
    {
        using var model = Model.Open(SharedData.Quill);
        foreach (string type in (string[])["F32", "F16", "BF16"])
        {
            Assert.True(GgufMix.TryGet(type, out GgufMix? mix));
            GgufExport.Write(model, _work["export.gguf"], mix);
            Assert.Empty(Write(model, $"{type}.gguf", type));
            Assert.Equal(File.ReadAllBytes(_work["export.gguf"]), File.ReadAllBytes(_work[$"{type}.gguf"]));
        }
        Assert.Distinct(((string[])["F32", "F16", "BF16"]).Select(type =>
            JsonNode.Parse(File.ReadAllText(_work[$"{type}.gguf.report.json"]))!["fingerprint"]!["types"]!.GetValue<string>()));
    }

    private IReadOnlyList<QuantizedTensorReport> Write(Model model, string file, string type, GgufOverride? given = null)
    {
        Assert.True(GgufMix.TryGet(type, out GgufMix? mix));
        var types = new GgufTypes(mix, given is null ? [] : [given]);
        var options = new QuantizationOptions
        {
            Recipe = RecipeCatalogue.Find("gguf-datafree"),
            Allocator = new BlockFormatAllocator(types.FormatsOf(model)),
        };
        return new Quantizer(QuantizationPlan.Create(model, options)).Run(_work[file], new RunOptions { Gguf = types });
    }
}
