using System.Text;
using System.Text.Json;
using Vernier.Files.Checkpoints;
using Vernier.Inference.Models;
using Vernier.Inference;
using Vernier.Inference.Passes;
using Vernier.Inference.Sampling;
using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Evaluation;
using Vernier.Quantization.Networks;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;
using Vernier.Tests.Logarithmic;
using Vernier.Tests.Peaks;

namespace Vernier.Tests;

/// <summary>
/// A grid, a solver step, a recipe, an observer and an architecture of this assembly, each a folder and a registration, quantize, pack, run
/// and are evaluated; src/ knows none of them.
/// </summary>
public sealed class ExtensionTests : IDisposable
{
    private const int Sequences = 6, Length = 32;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void APowerOfTwoIsStoredForEveryWeight()
    {
        IReadOnlyList<QuantizedTensorReport> reports = Quantize("out", 4);
        Assert.Equal(2 * 7, reports.Count);
        using Checkpoint checkpoint = Checkpoint.Open(_folder["out"]);
        foreach (QuantizedTensorReport report in reports)
        {
            var layout = Assert.IsType<ScalarLayout>(report.Layout);
            Assert.Equal((4, 16), (layout.Bits, layout.GroupColumns));
            PackedMatrix matrix = PackedMatrixReader.Read(checkpoint, report.Name, layout);
            var row = new float[layout.Columns];
            for (int i = 0; i < layout.Rows; i++)
            {
                matrix.DequantizeRow(i, row);
                foreach (float[] group in row.Chunk(16))
                {
                    float largest = group.Max(Math.Abs);
                    Assert.All(group.Where(weight => weight != 0), weight => Assert.Equal(0, MathF.Log2(largest / MathF.Abs(weight)) % 1));
                }
            }
        }
    }

    [Fact]
    public void TheStepLowersTheObjectiveOfEveryLayer()
    {
        foreach (QuantizedTensorReport report in Quantize("out", 3))
        {
            Assert.Null(report.Solved!.Fallback);
            Assert.InRange(report.Solved.Objective, 1e-6, 0.95 * report.Solved.Nearest);
        }
    }

    [Fact]
    public void TheModelRunsAndIsEvaluated()
    {
        LanguageModel original = LanguageModel.Load(ParallelModel.Write(_folder["in"]));
        Quantize("four", 4);
        Quantize("two", 2);
        LanguageModel four = LanguageModel.Load(_folder["four"]), two = LanguageModel.Load(_folder["two"]);
        int[] text = [.. new Generator(four).Generate(new[] { 1, 5, 9 }, new SamplingOptions { Temperature = 0 }, maxTokens: 12, stopTokens: [])];
        Assert.Equal(12, text.Length);
        Assert.All(text, token => Assert.InRange(token, 0, ParallelModel.Spec.Vocabulary - 1));
        IReadOnlyList<EvaluationWindow> windows = EvaluationWindows.WrittenBy(original, count: 8, length: 32, seed: 2);
        IReadOnlyList<EvaluationResult> results = Evaluator.Evaluate([four, two], original, windows);
        double near = results[0].KlDivergence!.Value.Mean, far = results[1].KlDivergence!.Value.Mean;
        Assert.InRange(near, 1e-5, 0.5);
        Assert.True(far > 2 * near, $"{near} with four bits, {far} with two");
    }

    [Fact]
    public void TheObserverSeesEveryGroupOnEverySample()
    {
        var observer = new PeakObserver();
        Quantize("out", 4, observer);
        Assert.Equal(
            from layer in Enumerable.Range(0, 2)
            from part in (string[])["self_attn.q_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.down_proj"]
            select $"model.layers.{layer}.{part}.weight",
            observer.Peaks.Keys);
        SampleId[] samples =
        [
            .. from sequence in Enumerable.Range(0, Sequences)
               from position in Enumerable.Range(0, Length)
               select new SampleId(sequence, position),
        ];
        Assert.All(observer.Samples.Values, seen => Assert.Equal(samples, seen));
        // Both groups of a block that come behind the norm have the same input.
        Assert.Equal(observer.Peaks["model.layers.0.self_attn.q_proj.weight"], observer.Peaks["model.layers.0.mlp.gate_proj.weight"]);
        Assert.Equal(FirstPeaks(), observer.Peaks["model.layers.0.self_attn.q_proj.weight"], (x, y) => Math.Abs(x - y) < 1e-4);
    }

    [Theory]
    [InlineData("mlp.down_proj.weight")]
    [InlineData("self_attn.o_proj.weight")]
    public void WithoutOneOfItsHalvesTheArchitectureIsALlama(string silent)
    {
        int[] tokens = ParallelModel.Sequences(1, 20)[0];
        float[] Logits(string type) => LanguageModel.Load(ParallelModel.Write(_folder[type], type, silent))
            .CreateSession().Forward([new Segment(tokens)], LogitRows.All).ToArray();
        float[] expected = Logits("llama"), actual = Logits("parallel");
        Assert.Equal(20 * ParallelModel.Spec.Vocabulary, actual.Length);
        for (int i = 0; i < actual.Length; i++)
            Assert.Equal(expected[i], actual[i], 1e-5);
    }

    [Fact]
    public void TheRecipeIsOneOfAllAndItsOptionsAreChecked()
    {
        Assert.Contains("logarithmic", GridSpecs.Kinds);
        Assert.Contains("exchange", SolverSteps.Methods);
        Recipe recipe = RecipeCatalogue.Find("log-exchange");
        Assert.Contains(recipe, RecipeCatalogue.All);
        Assert.Equal("there is a recipe 'log-exchange' (Parameter 'recipe')", Assert.Throws<ArgumentException>(() => RecipeCatalogue.Register(recipe)).Message);
        Recipe again = Parse(recipe.ToJson());
        Assert.Equal(recipe.Grid, again.Grid with { Layouts = recipe.Grid.Layouts });
        Assert.Equal(recipe.Solver, again.Solver);
        string json = recipe.ToJson();
        Assert.Equal("an exchange takes 1 to 100 sweeps", Refusal(json.Replace("\"sweeps\":6", "\"sweeps\":0", StringComparison.Ordinal)));
        Assert.Equal("neighbouring levels differ by a factor of 2 or 4", Refusal(json.Replace("\"step\":1", "\"step\":3", StringComparison.Ordinal)));
        Assert.StartsWith("the grid 'logarithmic' has no member 'exponent'", Refusal(json.Replace("\"step\":1", "\"exponent\":1", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Equal(4, recipe.MostBits);
        Assert.Equal("has four bits only with factors of 2", new LogarithmicGridSpec { Step = 2 }.ProblemWithBits(4));
    }

    private static string Refusal(string json) => Assert.Throws<JsonException>(() => Parse(json)).Message;

    private static Recipe Parse(string json) => Recipe.Parse(new MemoryStream(Encoding.UTF8.GetBytes(json)));

    private IReadOnlyList<QuantizedTensorReport> Quantize(string output, int bits, params IActivationObserver[] observers)
    {
        using var opened = Model.Open(ParallelModel.Write(_folder["in"]));
        var options = new QuantizationOptions { Recipe = RecipeCatalogue.Find("log-exchange"), Bits = bits, EmbeddingBits = null };
        var calibration = new CalibrationSet(ParallelModel.Sequences(Sequences, Length), "random tokens");
        var run = new RunOptions { Calibration = calibration, Observers = observers, Strict = true };
        return new Quantizer(QuantizationPlan.Create(opened, options)).Run(_folder[output], run);
    }

    // The largest magnitudes behind the first norm, by its formula.
    private static float[] FirstPeaks()
    {
        Dictionary<string, TinyTensor> tensors = ParallelModel.Spec.Tensors(seed: 3);
        float[] table = tensors["model.embed_tokens.weight"].Values, norm = tensors["model.layers.0.input_layernorm.weight"].Values;
        int width = norm.Length;
        var peaks = new float[width];
        foreach (int token in ParallelModel.Sequences(Sequences, Length).SelectMany(tokens => tokens))
        {
            float[] x = table[(token * width)..((token + 1) * width)];
            double scale = 1 / Math.Sqrt(x.Average(value => (double)value * value) + ParallelModel.Spec.Epsilon);
            for (int i = 0; i < width; i++)
                peaks[i] = Math.Max(peaks[i], (float)Math.Abs(x[i] * scale * norm[i]));
        }
        return peaks;
    }
}
