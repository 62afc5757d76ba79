using System.Text;
using System.Text.RegularExpressions;
using Vernier.Packing;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;

namespace Vernier.Tests.Pipeline;

/// <summary>A run on a small model, with inputs that a test can change and a moment at which it can be stopped.</summary>
internal sealed record PipelineRun(string Model, string Output)
{
    public string Recipe { get; init; } = "gptq";

    /// <summary>A recipe of the test's own, or null.</summary>
    public string? RecipeJson { get; init; }

    public int Bits { get; init; } = 4;

    public int Group { get; init; } = 64;

    public int? EmbeddingBits { get; init; } = 8;

    public string? Keep { get; init; }

    public int Seed { get; init; } = 1;

    public RunOptions Options { get; init; } = new();

    /// <summary>Called before each step with its number and what it is.</summary>
    public Action<int, QuantizationProgress>? BeforeStep { get; init; }

    public byte[] Bytes => File.ReadAllBytes(Path.Combine(Output, "model.safetensors"));

    public string Partial => Output + ".partial";

    public string[] Journal => [.. Directory.EnumerateFiles(Path.Combine(Partial, "journal"), "*.matrix.json").Order(StringComparer.Ordinal)];

    public PipelineRun Resumed => this with { Options = Options with { Resume = true }, BeforeStep = null };

    public QuantizationPlan Plan(Inference.Models.Model model) => QuantizationPlan.Create(model, new QuantizationOptions
    {
        Recipe = RecipeJson is null ? RecipeCatalogue.Find(Recipe) : Quantization.Recipes.Recipe.Parse(new MemoryStream(Encoding.UTF8.GetBytes(RecipeJson))),
        Bits = Bits,
        Granularity = Granularity.Group(Group),
        EmbeddingBits = EmbeddingBits,
        Keep = Keep is null ? null : new Regex(Keep, RegexOptions.NonBacktracking),
    });

    public CalibrationSet Calibration => CalibrationSet.Cut([.. Enumerable.Range(0, 4000).Select(i => (i * i + Seed) % 47)], 40, 32, 0, "numbers");

    public IReadOnlyList<QuantizedTensorReport> Run()
    {
        using var opened = Inference.Models.Model.Open(Model);
        return new Quantizer(Plan(opened), Steps(null)).Run(Output, Options with { Calibration = Calibration });
    }

    /// <summary>Runs until a step, and is cancelled there.</summary>
    /// <returns>Whether it came to that step.</returns>
    public bool RunUntil(int step)
    {
        using var cancellation = new CancellationTokenSource();
        using var opened = Inference.Models.Model.Open(Model);
        try
        {
            new Quantizer(Plan(opened), Steps((number, _) =>
            {
                if (number == step)
                    cancellation.Cancel();
            })).Run(Output, Options with { Calibration = Calibration }, cancellation.Token);
            return false;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
    }

    /// <summary>Runs until so many matrices are in the journal.</summary>
    public void RunUntilFinished(int matrices)
    {
        for (int step = 0; !Directory.Exists(Path.Combine(Partial, "journal")) || Journal.Length < matrices; step++)
            Assert.True((this with { Options = Options with { Resume = true } }).RunUntil(step), "the run ended before");
    }

    private Relay Steps(Action<int, QuantizationProgress>? stop)
    {
        int number = 0;
        return new Relay(progress =>
        {
            BeforeStep?.Invoke(number, progress);
            stop?.Invoke(number++, progress);
        });
    }

    private sealed class Relay(Action<QuantizationProgress> action) : IProgress<QuantizationProgress>
    {
        public void Report(QuantizationProgress value) => action(value);
    }
}
