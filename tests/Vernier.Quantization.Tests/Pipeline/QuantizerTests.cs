using System.Text.RegularExpressions;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Grids.Ggml;
using Vernier.Inference.Models;
using Vernier.Inference;
using Vernier.Inference.Passes;
using Vernier.Inference.Weights;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Weights;

namespace Vernier.Tests.Pipeline;

public class QuantizerTests
{
    public static TheoryData<string, int> RecipesAndBits
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (Recipe recipe in RecipeCatalogue.All.Where(recipe => !recipe.NeedsCalibration))
            {
                foreach (int bits in (int[])[2, 3, 4, 5, 6, 8])
                    data.Add(recipe.Name, bits);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(RecipesAndBits))]
    public void TheSizeIsThePromisedOneToTheByte(string recipe, int bits)
    {
        using var folder = new TempFolder();
        Tiny(folder["in"]);
        using var opened = Model.Open(folder["in"]);
        var plan = QuantizationPlan.Create(opened,
            new QuantizationOptions { Recipe = RecipeCatalogue.Find(recipe), Bits = bits, Granularity = Granularity.Group(50) });
        IReadOnlyList<QuantizedTensorReport> reports = new Quantizer(plan).Run(folder["out"]);
        Assert.Equal(plan.Bytes, ModelBytes(folder["out"]));
        Assert.Equal(8.0 * plan.Bytes / plan.Parameters, plan.BitsPerWeight);
        // Of the block formats every one needs at least 32 columns.
        Assert.Equal(plan.Options.Recipe.Grid is GgmlGridSpec ? ["a.weight", "embed.weight"]
            : ["a.weight", "b.weight", "embed.weight"], reports.Select(report => report.Name).Order(StringComparer.Ordinal));
        // About 6 decibel a bit on weights of a bell shape; of FP8 only the bits of its mantissa count, whatever the size of a weight.
        Assert.All(reports, report => Assert.InRange(
            report.Error.SignalToNoise, report.Layout is ScalarLayout { FloatLevels: true } ? 30
            : 5.5 * report.Layout.CodeBits - 6, 6.1 * report.Layout.CodeBits + 6));
    }

    [Fact]
    public void WhatIsNoMatrixStaysAsItIs()
    {
        using var folder = new TempFolder();
        Tiny(folder["in"]);
        File.WriteAllText(folder["in/tokenizer.json"], "{}");
        File.WriteAllText(folder["in/LICENSE"], "free");
        File.WriteAllText(folder["in/weights.bin"], "not copied");
        Run(folder["in"], folder["out"]);
        using Checkpoint before = Checkpoint.Open(folder["in"]), after = Checkpoint.Open(folder["out"]);
        foreach (string name in (string[])["norm.weight", "a.bias", "stack.weight"])
            Assert.Equal(before.Bytes(before[name]).ToArray(), after.Bytes(after[name]).ToArray());
        Assert.Equal(["LICENSE", "config.json", "model.safetensors", "report.json", "tokenizer.json"],
            Directory.EnumerateFiles(folder["out"]).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void TheSameBytesOnAnyNumberOfThreads()
    {
        using var folder = new TempFolder();
        TinyLlama.Write(folder["in"]);
        foreach (int count in (int[])[1, 2, 3])
        {
            using var workers = new Workers(count);
            Run(folder["in"], folder[$"{count}"], bits: 3, workers: workers);
        }
        byte[] one = File.ReadAllBytes(folder["1/model.safetensors"]);
        Assert.Equal(one, File.ReadAllBytes(folder["2/model.safetensors"]));
        Assert.Equal(one, File.ReadAllBytes(folder["3/model.safetensors"]));
    }

    [Fact]
    public void TheSampleShrinksToAQuarterOfItsLinearLayersAndRuns()
    {
        using var folder = new TempFolder();
        QuantizationPlan plan = Run(SharedData.Quill, folder["out"]);
        Assert.InRange(plan.BitsPerWeight, 4.9, 5.1);
        LanguageModel model = LanguageModel.Load(folder["out"]), original = LanguageModel.Load(SharedData.Quill);
        Assert.IsType<PackedLinear>(model.Head);
        Assert.IsType<PackedEmbedding>(model.Embedding);
        var prompt = new Segment(new[] { 4094, 882, 324, 258, 1944, 933 });
        float[] expected = original.CreateSession().Forward([prompt], LogitRows.Last).ToArray(),
            actual = model.CreateSession().Forward([prompt], LogitRows.Last).ToArray();
        double error = expected.Zip(actual, (a, b) => Math.Pow(a - b, 2)).Sum(),
            norm = expected.Sum(a => Math.Pow(a - expected.Average(), 2));
        Assert.InRange(error / norm, 1e-6, 0.05);
    }

    [Fact]
    public void EmbeddingsAndNamedTensorsCanBeKept()
    {
        using var folder = new TempFolder();
        Tiny(folder["in"]);
        using var opened = Model.Open(folder["in"]);
        var plan = QuantizationPlan.Create(opened,
            new QuantizationOptions { Recipe = RecipeCatalogue.Find("rtn"), EmbeddingBits = null,
            Keep = new Regex("^b\\.", RegexOptions.NonBacktracking) });
        Assert.Equal(["a.weight"], plan.Tensors.Where(planned => planned.Layout is not null).Select(planned => planned.Tensor.Name));
    }

    [Fact]
    public void AWeightThatIsNoNumberIsNamedAndNothingIsLeftBehind()
    {
        using var folder = new TempFolder();
        float[] bad = TinyModel.Gaussian(64 * 32, 1);
        bad[5 * 32 + 7] = float.NaN;
        TinyModel.Write(folder["in"], ("good.weight", [32, 32], TinyModel.Gaussian(1024, 2)), ("bad.weight", [64, 32], bad));
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => Run(folder["in"], folder["out"]));
        Assert.Equal("weight-not-finite", error.Rule);
        Assert.Equal("bad.weight", error.Tensor);
        Assert.Contains("row 5, column 7", error.Message, StringComparison.Ordinal);
        Assert.Equal(["in"], folder.Names);
    }

    [Theory]
    [InlineData(ElementType.F16, 0xC980, 0xFC00, 0x7C01)]
    [InlineData(ElementType.BF16, 0xC130, 0x7F80, 0xFFC1)]
    [InlineData(ElementType.F32, 0xC1300000, 0xFF800000, 0x7FC00000)]
    [InlineData(ElementType.F8_E4M3, 0xD3, 0x7F, 0xFF)]
    public void TheLargestWeightIsFoundInEveryType(ElementType type, uint eleven, uint bad, uint worse)
    {
        const int Rows = 37, Columns = 2051;
        foreach (int at in (int[])[0, 31, 32, 40_000, Rows * Columns - 1])
        {
            using var folder = new TempFolder();
            Assert.Equal(4, Matrix(folder["good"], at, eleven).Shift);
            foreach (uint value in (uint[])[bad, worse])
            {
                InvalidFileException error = Assert.Throws<InvalidFileException>(() => Matrix(folder[$"{value}"], at, value).Shift);
                Assert.Contains($"row {at / Columns}, column {at % Columns}", error.Message, StringComparison.Ordinal);
            }
        }

        WeightMatrix Matrix(string folder, int at, uint value)
        {
            int size = type.Bits() / 8;
            byte[] bytes = new byte[Rows * Columns * size];
            BitConverter.GetBytes(value).AsSpan(0, size).CopyTo(bytes.AsSpan(at * size));
            Directory.CreateDirectory(folder);
            var draft = new CheckpointDraft(folder, [new TensorInfo("w", type, [Rows, Columns])]);
            draft.Write("w", 0, bytes);
            Checkpoint checkpoint = draft.Open();
            return new WeightMatrix(checkpoint, checkpoint["w"]);
        }
    }

    [Fact]
    public void AnExistingFolderIsReplacedOnlyOnRequest()
    {
        using var folder = new TempFolder();
        Tiny(folder["in"]);
        Run(folder["in"], folder["out"]);
        File.WriteAllText(folder["out/mine.txt"], "mine");
        Assert.Equal(OutputException.Exists, Assert.Throws<OutputException>(() => Run(folder["in"], folder["out"])).Rule);
        Assert.True(File.Exists(folder["out/mine.txt"]));
        Run(folder["in"], folder["out"], replace: true);
        Assert.False(File.Exists(folder["out/mine.txt"]));
        Assert.Equal(["in", "out"], folder.Names);
    }

    [Fact]
    public void AQuantizedModelIsNotQuantizedAgain()
    {
        using var folder = new TempFolder();
        Tiny(folder["in"]);
        Run(folder["in"], folder["out"]);
        Assert.Equal("already-quantized", Assert.Throws<InvalidFileException>(() => Run(folder["out"], folder["again"])).Rule);
    }

    /// <summary>Numbers that JSON lacks, which Python writes, are in the result what they were; codes of others are named.</summary>
    [Fact]
    public void WhatNobodyReadsIsKeptAsItIs()
    {
        using var folder = new TempFolder();
        Tiny(folder["in"]);
        string config = Path.Combine(folder["in"], "config.json"), text = File.ReadAllText(config);
        File.WriteAllText(config, "{\"limit\":[0,Infinity],\"other\":NaN," + text.TrimStart()[1..]);
        Run(folder["in"], folder["out"]);
        string written = string.Concat(File.ReadAllText(Path.Combine(folder["out"], "config.json")).Where(c => !char.IsWhiteSpace(c)));
        Assert.Contains("\"limit\":[0,Infinity],\"other\":NaN,", written, StringComparison.Ordinal);
        File.WriteAllText(config, "{\"quantization_config\":{\"quant_method\":\"aqlm\"}," + text.TrimStart()[1..]);
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => Run(folder["in"], folder["again"]));
        Assert.Equal(("quantization-method", "the model is quantized by AQLM"), (error.Rule, error.Problem));
    }

    [Theory]
    [InlineData(1e-30)]
    [InlineData(1e-6)]
    [InlineData(1e5)]
    [InlineData(1e30)]
    public void WeightsOfAnySizeAreQuantizedAlike(double size)
    {
        using var folder = new TempFolder();
        TinyModel.Write(folder["in"], ("a.weight", [64, 64], TinyModel.Gaussian(4096, 3, size)));
        using var opened = Model.Open(folder["in"]);
        var plan = QuantizationPlan.Create(opened, new QuantizationOptions { Recipe = RecipeCatalogue.Find("nupes-datafree") });
        QuantizedTensorReport report = Assert.Single(new Quantizer(plan).Run(folder["out"]));
        Assert.InRange(report.Error.Relative, 0.003, 0.012);
    }

    [Fact]
    public void ZerosStayZero()
    {
        using var folder = new TempFolder();
        TinyModel.Write(folder["in"], ("a.weight", [16, 64], new float[1024]));
        using var opened = Model.Open(folder["in"]);
        foreach (Recipe recipe in RecipeCatalogue.All.Where(recipe => !recipe.NeedsCalibration))
        {
            var plan = QuantizationPlan.Create(opened, new QuantizationOptions { Recipe = recipe });
            Assert.Equal(0, Assert.Single(new Quantizer(plan).Run(folder["out"], new RunOptions { Replace = true })).Error.SquaredError);
        }
    }

    [Theory]
    [InlineData("model.layers.0.self_attn.q_proj.weight", TensorRole.Linear)]
    [InlineData("transformer.h.0.mlp.c_fc.weight", TensorRole.Linear)]
    [InlineData("model.embed_tokens.weight", TensorRole.Embedding)]
    [InlineData("transformer.wte.weight", TensorRole.Embedding)]
    [InlineData("lm_head.weight", TensorRole.Embedding)]
    [InlineData("output.weight", TensorRole.Embedding)]
    [InlineData("encoder.layer.0.attention.output.dense.weight", TensorRole.Linear)]
    [InlineData("model.layers.0.mlp.gate.weight", TensorRole.Other)]
    [InlineData("model.layers.0.mlp.gate_proj.weight", TensorRole.Linear)]
    [InlineData("model.layers.0.input_layernorm.weight", TensorRole.Other)]
    [InlineData("model.layers.0.self_attn.q_proj.bias", TensorRole.Other)]
    public void RolesFollowFromNames(string name, TensorRole role) =>
        Assert.Equal(role, TensorRoles.Of(new TensorInfo(name, ElementType.BF16, [64, 32])));

    /// <summary>The bytes of a folder without its report, which is no part of the model.</summary>
    internal static long ModelBytes(string folder) =>
        Directory.EnumerateFiles(folder).Where(path => Path.GetFileName(path) != "report.json").Sum(path => new FileInfo(path).Length);

    private static QuantizationPlan Run(string input, string output, int bits = 4, bool replace = false, Workers? workers = null)
    {
        using var opened = Model.Open(input);
        var plan = QuantizationPlan.Create(opened,
            new QuantizationOptions { Recipe = RecipeCatalogue.Find(RecipeCatalogue.Default), Bits = bits }, workers);
        new Quantizer(plan).Run(output, new RunOptions { Replace = replace });
        return plan;
    }

    private static void Tiny(string folder) => TinyModel.Write(
        folder,
        ("embed.weight", [10, 64], TinyModel.Gaussian(640, 1)),
        ("a.weight", [48, 64], TinyModel.Gaussian(48 * 64, 2)),
        ("a.bias", [48], TinyModel.Gaussian(48, 3)),
        ("b.weight", [70, 101], TinyModel.Gaussian(70 * 101, 4)),
        ("norm.weight", [64], TinyModel.Gaussian(64, 5)),
        ("stack.weight", [2, 3, 4], TinyModel.Gaussian(24, 6)));
}
