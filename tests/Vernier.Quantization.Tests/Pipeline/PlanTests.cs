using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Inference.Models;
using Vernier.Quantization.Allocation;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;

namespace Vernier.Tests.Pipeline;

/// <summary>Plans before any work, and what a finished run says of itself.</summary>
public sealed class PlanTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public PlanTests() => TinyLlama.Write(_folder["in"]);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("rtn", 1)]
    [InlineData("rtn", 9)]
    [InlineData("rtn", 0)]
    [InlineData("rtn", -4)]
    [InlineData("nupes-datafree", 9)]
    [InlineData("kmeans", 1)]
    [InlineData("minifloat", 9)]
    [InlineData("dgq", 9)]
    [InlineData("gptvq-4d", 3)]
    [InlineData("gptvq", 5)]
    public void BitsThatARecipeCanNotDoAreRefused(string recipe, int bits)
    {
        using var model = Model.Open(_folder["in"]);
        var options = new QuantizationOptions { Recipe = RecipeCatalogue.Find(recipe), Bits = bits };
        string message = Assert.Throws<ArgumentException>(() => QuantizationPlan.Create(model, options)).Message;
        Assert.StartsWith($"the recipe {recipe} ", message, StringComparison.Ordinal);
        Assert.Equal((message, null), (options.Problem, (options with { Bits = 2, Recipe = RecipeCatalogue.Find("rtn") }).Problem));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    public void EmbeddingsHaveTwoToEightBitsToo(int bits)
    {
        using var model = Model.Open(_folder["in"]);
        var options = new QuantizationOptions { Recipe = RecipeCatalogue.Find("rtn"), EmbeddingBits = bits };
        Assert.Contains($"{bits} bits", Assert.Throws<ArgumentException>(() => QuantizationPlan.Create(model, options)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void TheSizesAreThoseOfTheFilesAndTheConfigHasTheRest()
    {
        using var model = Model.Open(_folder["in"]);
        QuantizationPlan plan = Plan(model, "rtn");
        Assert.Equal(new FileInfo(_folder["in/model.safetensors"]).Length + new FileInfo(_folder["in/config.json"]).Length,
            plan.SourceBytes);
        Assert.Equal(model.Checkpoint.Tensors.Sum(tensor => tensor.Count), plan.Parameters);
        Assert.Equal(8.0 * plan.SourceBytes / plan.Parameters, plan.SourceBitsPerWeight);
        JsonObject config = JsonNode.Parse(plan.Config.Span)!.AsObject();
        Assert.True(config.Remove("quantization_config"));
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(File.ReadAllText(_folder["in/config.json"])), config));
        Assert.Equal(model.Checkpoint.Tensors.Select(tensor => tensor.Name), plan.Tensors.Select(tensor => tensor.Name));
        Assert.True(plan.Order.IsEmpty);
    }

    [Fact]
    public void WhereNothingIsLeftToQuantizeItIsSaid()
    {
        using var model = Model.Open(_folder["in"]);
        var options = new QuantizationOptions { Recipe = RecipeCatalogue.Find("rtn"), Keep = new Regex(".", RegexOptions.NonBacktracking) };
        Assert.Equal("nothing-to-quantize", Assert.Throws<InvalidFileException>(() => QuantizationPlan.Create(model, options)).Rule);
        // A config.json that speaks of no quantization by null is that of a float model.
        string config = File.ReadAllText(_folder["in/config.json"]);
        File.WriteAllText(_folder["in/config.json"], config[..^1] + ",\"quantization_config\":null}");
        using var again = Model.Open(_folder["in"]);
        Assert.NotEmpty(Plan(again, "rtn").Tensors);
    }

    [Fact]
    public void AnAllocatorOfBlockFormatsLeavesOtherGridsAlone()
    {
        using var model = Model.Open(_folder["in"]);
        TensorFormat uniform = Plan(model, "rtn").Tensors.First(tensor => tensor.IsQuantized).Format!;
        TensorInfo tensor = model.Checkpoint.Tensors.First();
        var none = new BlockFormatAllocator(_ => null);
        TensorFormat blocks = uniform with { Grid = RecipeCatalogue.Find("gguf").Grid };
        Assert.Equal([uniform, null, null], none.Allocate([new(tensor, default, uniform), new(tensor, default, null),
            new(tensor, default, blocks)]));
        Assert.Equal("tensors", Assert.Throws<ArgumentNullException>(() => none.Allocate(null!)).ParamName);
    }

    /// <summary>Work in memory grows with the target, with the observers and with the length of a batch, and with nothing else.</summary>
    [Fact]
    public void TheEstimateGrowsWithWhatARunDoes()
    {
        using var model = Model.Open(_folder["in"]);
        MemoryEstimate nearest = MemoryEstimate.Of(Plan(model, "rtn"), 40, 32),
            observed = MemoryEstimate.Of(Plan(model, "rtn"), 40, 32, observed: true),
            solved = MemoryEstimate.Of(Plan(model, "gptq"), 40, 32), network = MemoryEstimate.Of(Plan(model, "gptq-network"), 40, 32);
        Assert.Equal((0, 4L * 40 * 32 * 64), (nearest.ActivationBytes, observed.ActivationBytes));
        Assert.Equal(2 * solved.ActivationBytes, network.ActivationBytes);
        Assert.True(nearest.WorkBytes < observed.WorkBytes && observed.WorkBytes < solved.WorkBytes
            && solved.WorkBytes < network.WorkBytes, $"{nearest} {observed} {solved} {network}");
        Assert.True(MemoryEstimate.Of(Plan(model, "gptq"), 1, 5000).WorkBytes > solved.WorkBytes);
        foreach (long ceiling in (long[])[solved.WorkBytes, solved.WorkBytes + solved.ActivationBytes, long.MaxValue])
            Assert.InRange(solved.PeakBytes(ceiling), solved.WorkBytes, ceiling);
        Assert.True(MemoryEstimate.DefaultCeiling > MemoryEstimate.ProgramBytes);
    }

    [Fact]
    public void WithoutATextTheModelWritesTheCalibration()
    {
        using var model = Model.Open(_folder["in"]);
        var told = new List<string>();
        new Quantizer(Plan(model, "gptq"), new Telling(progress => told.Add(progress.Stage))).Run(_folder["out"]);
        JsonElement report = Report();
        Assert.Equal($"{CalibrationSet.DefaultSequences} sequences of 64 tokens that the model wrote itself, seed 1",
            report.GetProperty("calibration").GetString());
        Assert.Equal(["checking the weights", "letting the model write the calibration text", "reading the model", "solving", "quantizing",
            "writing", "reading back"], told.Distinct());
        new Quantizer(Plan(model, "rtn")).Run(_folder["out"], new RunOptions { Replace = true });
        Assert.Equal(JsonValueKind.Null, Report().GetProperty("calibration").ValueKind);
    }

    /// <summary>Of each stage the parts rise from 0 to 1, whatever the recipe.</summary>
    [Theory]
    [InlineData("rtn")]
    [InlineData("powerquant")]
    [InlineData("gptq-network")]
    public void ProgressRisesWithinEachStage(string recipe)
    {
        var told = new List<QuantizationProgress>();
        (new PipelineRun(_folder["in"], _folder["out"]) { Recipe = recipe, BeforeStep = (_, progress) => told.Add(progress) }).Run();
        foreach (IGrouping<string, QuantizationProgress> stage in told.GroupBy(progress => progress.Stage, StringComparer.Ordinal))
        {
            double[] parts = [.. stage.Select(progress => progress.Fraction)];
            Assert.Equal(parts.Order(), parts);
            Assert.All(parts, part => Assert.InRange(part, 0, 1));
        }
        Assert.Equal(("reading back", "", 1.0), (told[^1].Stage, told[^1].Tensor, told[^1].Fraction));
    }

    /// <summary>A report that is damaged, or another's, is not taken for that of the run: the output is not finished.</summary>
    [Theory]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("tensors")]
    [InlineData("seconds")]
    [InlineData("fingerprint")]
    public void ADamagedReportIsNotThatOfAFinishedRun(string damage)
    {
        PipelineRun run = new(_folder["in"], _folder["out"]) { Recipe = "rtn" };
        run.Run();
        string path = _folder["out/report.json"];
        if (damage.Length > 4)
        {
            JsonObject report = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
            report.Remove(damage);
            damage = report.ToJsonString();
        }
        File.WriteAllText(path, damage);
        DateTime before = File.GetLastWriteTimeUtc(_folder["out/model.safetensors"]);
        Assert.Equal(OutputException.Exists, Assert.Throws<OutputException>(run.Resumed.Run).Rule);
        Assert.Equal(before, File.GetLastWriteTimeUtc(_folder["out/model.safetensors"]));
    }

    [Fact]
    public void WhatWasFinishedByOtherInputsIsNotReplacedByARunThatGoesOn()
    {
        PipelineRun run = new(_folder["in"], _folder["out"]) { Recipe = "rtn" };
        run.Run();
        byte[] before = run.Bytes;
        Assert.Equal(OutputException.Exists, Assert.Throws<OutputException>((run with { Bits = 3 }).Resumed.Run).Rule);
        Assert.Equal(before, run.Bytes);
        Assert.Equal(["in", "out"], _folder.Names);
        PipelineRun replaced = run with { Bits = 3, Options = new RunOptions { Resume = true, Replace = true } };
        replaced.Run();
        Assert.NotEqual(before, run.Bytes);
    }

    [Fact]
    public void WhereARunThatThrewHasLeftItsWorkIsKnown()
    {
        using var model = Model.Open(_folder["in"]);
        var quantizer = new Quantizer(Plan(model, "rtn"));
        Assert.Equal("full", Assert.Throws<IOException>(() => quantizer.Run(_folder["out"], new RunOptions { Trace = Stop })).Message);
        Assert.Equal(_folder["out.partial"], quantizer.Unfinished);
        Assert.Throws<OutputException>(() => new Quantizer(Plan(model, "rtn")).Run(_folder["out"]));
        var other = new Quantizer(Plan(model, "rtn"));
        other.Run(_folder["other"]);
        Assert.Null(other.Unfinished);

        static void Stop(FaultPoint point, string matrix)
        {
            if (point == FaultPoint.AfterEntry)
                throw new IOException("full");
        }
    }

    private JsonElement Report()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(_folder["out/report.json"]));
        return document.RootElement.Clone();
    }

    private static QuantizationPlan Plan(Model model, string recipe) =>
        QuantizationPlan.Create(model, new QuantizationOptions { Recipe = RecipeCatalogue.Find(recipe) });

    private sealed class Telling(Action<QuantizationProgress> action) : IProgress<QuantizationProgress>
    {
        public void Report(QuantizationProgress value) => action(value);
    }
}
