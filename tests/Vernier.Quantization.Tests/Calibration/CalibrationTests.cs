using Vernier.Errors;
using Vernier.Inference.Models;
using Vernier.Inference;
using Vernier.Inference.Passes;
using Vernier.Numerics;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Nearest;
using Vernier.Tests.Pipeline;

namespace Vernier.Tests.Calibration;

/// <summary>Calibration, and the pipeline of recipes that need it.</summary>
public class CalibrationTests
{
    private static readonly CalibrationSet s_set =
        CalibrationSet.Cut([.. Enumerable.Range(0, 4000).Select(i => i * i % 47)], 12, 32, 0, "numbers");

    public static TheoryData<string, int> CalibratedRecipes
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (Recipe recipe in RecipeCatalogue.All.Where(recipe => recipe.NeedsCalibration))
            {
                foreach (int bits in ((int[])[2, 4]).Where(bits => bits <= recipe.MostBits))
                    data.Add(recipe.Name, bits);
            }
            return data;
        }
    }

    [Theory]
    [InlineData(1000, 8, 100, null, 8, 900)]
    [InlineData(1000, 8, 101, 7, 8, 900)]
    [InlineData(1000, 30, 100, null, 10, 900)]
    [InlineData(100, 8, 100, null, 1, 0)]
    public void SequencesAreSpreadOverTheText(int tokens, int count, int length, int? begin, int expected, int last)
    {
        CalibrationSet set = CalibrationSet.Cut([.. Enumerable.Range(0, tokens)], count, length, begin, "text");
        Assert.Equal(expected, set.Sequences.Count);
        Assert.All(set.Sequences, sequence => Assert.Equal(length, sequence.Length));
        int at = begin is null ? 0 : 1;
        Assert.Equal([0, last], (int[])[set.Sequences[0][at], set.Sequences[^1][at]]);
        if (begin is int token)
            Assert.All(set.Sequences, sequence => Assert.Equal(token, sequence[0]));
        Assert.StartsWith("the text has 3 tokens, and one sequence takes 4",
            Assert.Throws<ArgumentException>(() => CalibrationSet.Cut([1, 2, 3], 1, 5, 0, "text")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(CalibratedRecipes))]
    public void EveryRecipeKeepsItsPromises(string recipe, int bits)
    {
        using var folder = new TempFolder();
        TinyLlama.Write(folder["in"]);
        (QuantizationPlan plan, IReadOnlyList<QuantizedTensorReport> reports) = Run(folder["in"], folder["out"], recipe, bits);
        Assert.Equal(plan.Bytes, QuantizerTests.ModelBytes(folder["out"]));
        MatrixReport[] solved = [.. reports.Where(report => report.Solved is not null).Select(report => report.Solved!)];
        Assert.Equal(14, solved.Length);
        Assert.All(solved, layer => Assert.Null(layer.Fallback));
        // Rounding to nearest sees of the objective its diagonal alone.
        double slack = plan.Options.Recipe.Solver.All(step => step is NearestStep) ? 1.1 : 1.02;
        Assert.All(solved, layer => Assert.True(layer.Objective <= layer.Nearest * slack, $"{layer.Objective} against {layer.Nearest}"));
        Assert.True(solved.Sum(layer => layer.Objective) < solved.Sum(layer => layer.Nearest));
        LanguageModel.Load(folder["out"]).CreateSession().Forward([new Segment(new[] { 0, 1, 2 })], LogitRows.Last);
    }

    [Fact]
    public void TheSameBytesOnAnyNumberOfThreads()
    {
        foreach (Recipe recipe in RecipeCatalogue.All.Where(recipe => recipe.NeedsCalibration))
            CheckThreads(recipe, null);
        if (Environment.GetEnvironmentVariable("VERNIER_LONG") is not null)
            CheckThreads(RecipeCatalogue.Find("gptq-power"), CalibrationSet.WrittenBy(LanguageModel.Load(SharedData.Quill), 8, 96, 2));
    }

    private static void CheckThreads(Recipe recipe, CalibrationSet? set)
    {
        using var folder = new TempFolder();
        if (set is null)
            TinyLlama.Write(folder["in"]);
        foreach (int count in (int[])[1, 3])
        {
            using var workers = new Workers(count);
            Run(set is null ? folder["in"] : SharedData.Quill, folder[$"{count}"], recipe.Name, Math.Min(3, recipe.MostBits), set, workers);
        }
        byte[] one = File.ReadAllBytes(folder["1/model.safetensors"]);
        Assert.Equal(one, File.ReadAllBytes(folder["3/model.safetensors"]));
    }

    [Fact]
    public void DeadChannelsAreCounted()
    {
        using var folder = new TempFolder();
        TinyLlama.Write(folder["in"], (name, values) =>
        {
            if (name == "model.layers.1.input_layernorm.weight")
                values[3] = values[40] = 0;
        });
        (QuantizationPlan _, IReadOnlyList<QuantizedTensorReport> reports) = Run(folder["in"], folder["out"], "gptq", 4);
        foreach (QuantizedTensorReport report in reports.Where(report => report.Solved is not null))
        {
            bool expected = report.Name.StartsWith("model.layers.1.self_attn", StringComparison.Ordinal)
                && !report.Name.Contains("o_proj", StringComparison.Ordinal);
            Assert.Equal(expected ? 2 : 0, report.Solved!.DeadChannels);
        }
    }

    [Fact]
    public void AnInputThatIsNotFiniteIsNamed()
    {
        using var folder = new TempFolder();
        TinyLlama.Write(folder["in"], (name, values) =>
        {
            if (name == "model.layers.1.post_attention_layernorm.weight")
                values[5] = float.MaxValue;
        });
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => Run(folder["in"], folder["out"], "gptq", 4));
        Assert.Equal("calibration-not-finite", error.Rule);
        Assert.Equal("model.layers.1.mlp.gate_proj.weight", error.Tensor);
        Assert.Contains("channel 5", error.Message, StringComparison.Ordinal);
        Assert.Equal(["in", "out.partial"], folder.Names);
    }

    [Fact]
    public void AWeightThatIsNotFiniteIsNamed()
    {
        using var folder = new TempFolder();
        TinyLlama.Write(folder["in"], (name, values) =>
        {
            if (name == "model.layers.1.mlp.down_proj.weight")
                values[96 + 5] = float.NaN;
        });
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => Run(folder["in"], folder["out"], "gptq", 4));
        Assert.Equal("weight-not-finite", error.Rule);
        Assert.Contains("row 1, column 5", error.Message, StringComparison.Ordinal);
        Assert.Equal(["in"], folder.Names);
    }

    [Fact]
    public void ALayerWithoutDataIsRoundedToNearestAndReported()
    {
        using var folder = new TempFolder();
        TinyLlama.Write(folder["in"], (name, values) =>
        {
            if (name == "model.layers.0.mlp.up_proj.weight")
                values.AsSpan().Clear();
        });
        (QuantizationPlan _, IReadOnlyList<QuantizedTensorReport> reports) = Run(folder["in"], folder["out"], "gptq", 4);
        QuantizedTensorReport report = Assert.Single(reports, report => report.Solved?.Fallback is not null);
        Assert.Equal("model.layers.0.mlp.down_proj.weight", report.Name);
        Assert.Equal(Fallback.NoData, report.Solved!.Fallback);
    }

    [Fact]
    public void AModelThatDoesNotRunIsRefused()
    {
        using var folder = new TempFolder();
        TinyModel.Write(folder["in"], ("a.weight", [16, 64], TinyModel.Gaussian(1024, 1)));
        Assert.Equal("calibration-architecture", Assert.Throws<UnsupportedModelException>(
            () => Run(folder["in"], folder["out"], "gptq", 4)).Rule);
        Assert.Equal(["in"], folder.Names);
    }

    private static (QuantizationPlan Plan, IReadOnlyList<QuantizedTensorReport> Reports) Run(
        string input, string output, string recipe, int bits, CalibrationSet? set = null, Workers? workers = null)
    {
        using var opened = Model.Open(input);
        var plan = QuantizationPlan.Create(opened, new QuantizationOptions { Recipe = RecipeCatalogue.Find(recipe), Bits = bits }, workers);
        return (plan, new Quantizer(plan).Run(output, new RunOptions { Calibration = set ?? s_set }));
    }
}
