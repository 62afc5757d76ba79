using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Solvers;

namespace Vernier.Tests.Pipeline;

/// <summary>What goes wrong in a layer, and what the report says of it.</summary>
public sealed class FaultTests : IDisposable
{
    private const string NoData = "model.layers.0.mlp.down_proj.weight";

    private readonly TempFolder _folder = new();

    // The input of the down projection is zero on all tokens.
    public FaultTests() => TinyLlama.Write(_folder["in"], (name, values) =>
    {
        if (name == "model.layers.0.mlp.up_proj.weight")
            values.AsSpan().Clear();
    });

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AStrictRunStopsAtTheFirstFallbackAndCanGoOn()
    {
        PipelineRun lenient = new(_folder["in"], _folder["lenient"]),
            strict = new(_folder["in"], _folder["strict"]) { Options = new RunOptions { Strict = true } };
        lenient.Run();
        foreach (PipelineRun run in (PipelineRun[])[strict, strict.Resumed])
        {
            StrictRunException error = Assert.Throws<StrictRunException>(run.Run);
            Assert.Equal(("strict-fallback", NoData), (error.Rule, error.Tensor));
            Assert.Contains("no data", error.Message, StringComparison.Ordinal);
            Assert.EndsWith("model.safetensors", error.File, StringComparison.Ordinal);
        }
        // The embedding and the first six layers.
        Assert.Equal(7, strict.Journal.Length);
        (strict.Resumed with { Options = new RunOptions { Resume = true } }).Run();
        Assert.Equal(lenient.Bytes, strict.Bytes);
    }

    [Fact]
    public void AStrictRunDoesNotAcceptAFallbackOfTheRunThatItContinues()
    {
        PipelineRun run = new(_folder["in"], _folder["out"]);
        run.RunUntilFinished(10);
        StrictRunException error = Assert.Throws<StrictRunException>(
            () => (run with { Options = new RunOptions { Strict = true, Resume = true } }).Run());
        Assert.Equal(("strict-fallback", NoData), (error.Rule, error.Tensor));
    }

    /// <summary>Of each kind of grid a recipe that uses data, on a layer without data.</summary>
    [Theory]
    [InlineData("gptq", null)]
    [InlineData("gptvq", null)]
    [InlineData("dgq", null)]
    [InlineData("gguf", null)]
    [InlineData("trits", """
        { "name": "trits", "summary": "s", "paper": "p", "ours": "", "needs": "text", "group": 64, "grid": { "kind": "trits", "layouts":
        ["symmetric"], "storage": "base3" },
          "solver": [{ "method": "nearest", "importance": "diagonal" }] }
        """)]
    public void WhateverTheGridAStrictRunStopsWhereThereIsNoData(string recipe, string? json)
    {
        PipelineRun run = new(_folder["in"], _folder["out"]) {
            Recipe = recipe, RecipeJson = json, Options = new RunOptions { Strict = true } };
        StrictRunException error = Assert.Throws<StrictRunException>(run.Run);
        Assert.Equal(("strict-fallback", NoData), (error.Rule, error.Tensor));
        IReadOnlyList<QuantizedTensorReport> reports = (run.Resumed with { Options = new RunOptions { Resume = true } }).Run();
        QuantizedTensorReport report = Assert.Single(reports, report => report.Solved?.Fallback is not null);
        Assert.Equal((NoData, 96), (report.Name, report.Solved!.DeadChannels));
        Assert.Equal("no-data", report.Solved.Fallback!.Reason);
        // The journal that this run has left is no better for a strict one.
        Assert.Equal(1, Report(run)["fallbacks"]!.GetValue<int>());
    }

    [Fact]
    public void AWeightThatIsNoNumberIsFoundBeforeAnyWork()
    {
        TinyLlama.Write(_folder["bad"], (name, values) =>
        {
            if (name == "model.layers.1.mlp.down_proj.weight")
                values[7] = float.PositiveInfinity;
        });
        var stages = new List<string>();
        InvalidFileException error = Assert.Throws<InvalidFileException>(
            () => new PipelineRun(_folder["bad"], _folder["out"]) { BeforeStep = (_, progress) => stages.Add(progress.Stage) }.Run());
        Assert.Equal(("weight-not-finite", "model.layers.1.mlp.down_proj.weight"), (error.Rule, error.Tensor));
        Assert.Equal(["checking the weights"], stages.Distinct());
        Assert.False(Directory.Exists(_folder["out.partial"]));
    }

    [Fact]
    public void TheReportSaysWhatBecameOfEachLayer()
    {
        PipelineRun run = new(_folder["in"], _folder["out"]);
        IReadOnlyList<QuantizedTensorReport> reports = run.Run();
        JsonNode json = Report(run);
        Assert.Equal("gptq", json["recipe"]!["name"]!.GetValue<string>());
        Assert.Equal((4, 64, 8), (json["bits"]!.GetValue<int>(), json["group"]!.GetValue<int>(), json["embedding_bits"]!.GetValue<int>()));
        Assert.Equal(QuantizerTests.ModelBytes(run.Output), json["bytes"]!.GetValue<long>());
        Assert.Equal(1, json["fallbacks"]!.GetValue<int>());
        Assert.Equal(json["version"]!.GetValue<string>(), json["fingerprint"]!["version"]!.GetValue<string>());
        Assert.Matches("^40 sequences of 32 tokens, sha256 [0-9a-f]{64}$", json["fingerprint"]!["calibration"]!.GetValue<string>());
        Assert.Equal(reports.Select(report => report.Name),
            json["tensors"]!.AsArray().Select(tensor => tensor!["name"]!.GetValue<string>()));
        foreach ((QuantizedTensorReport report, JsonNode? tensor) in reports.Zip(json["tensors"]!.AsArray()))
        {
            if (double.IsFinite(report.Error.SignalToNoise))
                Assert.Equal(report.Error.SignalToNoise, tensor!["snr_db"]!.GetValue<double>());
            Assert.Equal(report.Solved is null, tensor!["solver"] is null);
            if (report.Solved is not MatrixReport solved)
                continue;
            Assert.Equal((solved.Nearest, solved.Objective, solved.Damping),
                (Number("objective_nearest"), Number("objective"), Number("damping")));
            Assert.Equal(solved.Fallback?.Message, tensor["solver"]!["fallback"]?.GetValue<string>());
            Assert.Equal(report.Name == NoData, solved.Fallback is not null);
            Assert.Equal(report.Name == NoData ? 96 : 0, tensor["solver"]!["dead_channels"]!.GetValue<int>());
            Assert.Equal(solved.Seconds, json["seconds"]!["tensors"]![report.Name]!.GetValue<double>());

            double Number(string name) => tensor["solver"]![name]!.GetValue<double>();
        }
    }

    [Fact]
    public void TwoRunsWriteTheSameFilesButForTheSeconds()
    {
        PipelineRun first = new(_folder["in"], _folder["first"]), second = new(_folder["in"], _folder["second"]);
        first.Run();
        second.Run();
        foreach (string path in Directory.EnumerateFiles(first.Output).Where(path => Path.GetFileName(path) != "report.json"))
            Assert.Equal(File.ReadAllBytes(path), File.ReadAllBytes(Path.Combine(second.Output, Path.GetFileName(path))));
        Assert.Equal(WithoutSeconds(first), WithoutSeconds(second));
        Assert.Equal("seconds", Report(first).AsObject().Last().Key);

        static string WithoutSeconds(PipelineRun run)
        {
            JsonObject report = Report(run).AsObject();
            report.Remove("seconds");
            return report.ToJsonString();
        }
    }

    private static JsonNode Report(PipelineRun run) => JsonNode.Parse(File.ReadAllText(Path.Combine(run.Output, "report.json")))!;
}
