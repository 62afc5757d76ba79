using Vernier.Inference;
using Vernier.Inference.Models;
using Vernier.Inference.Parts;
using Vernier.Inference.Passes;
using Vernier.Inference.Weights;
using Vernier.Packing;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;

namespace Vernier.Tests.Networks;

/// <summary>Every architecture is quantized whole: each linear layer of each block, experts too, with data and without.</summary>
public sealed class EveryArchitectureTests
{
    private static readonly int[] s_prompt = [.. Enumerable.Range(0, 24).Select(i => (i * 37 + 11) % 150)];

    public static TheoryData<string> Folders()
    {
        var data = new TheoryData<string>(ReferenceFolders.All.Where(folder => !ReferenceFolders.Exceptions.ContainsKey(folder)));
        if (data.Count == 0)
            data.Add("none");
        return data;
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void EveryLinearLayerIsPackedAndTheNetworkStaysWhatItIs(string folder)
    {
        SharedData.Require($"models/tiny/{folder}/config.json");
        using var work = new TempFolder();
        Directory.CreateDirectory(work["in"]);
        ReferenceFolders.Copy(folder, "", work["in"]);
        float[] expected = Logits(work["in"], out string[] layers);

        Quantize("rtn", 8, work["in"], work["rtn"]);
        float[] actual = Logits(work["rtn"], out _);
        Assert.InRange(Distance(expected, actual), 1e-6, 0.1);
        using (var packed = Model.Open(work["rtn"]))
            Assert.Superset(layers.ToHashSet(), packed.Quantization!.Tensors.Keys.ToHashSet());

        IReadOnlyList<QuantizedTensorReport> reports = Quantize("gptq", 4, work["in"], work["gptq"]);
        Assert.Superset(layers.ToHashSet(), reports.Select(report => report.Name).ToHashSet());
        Assert.All(Logits(work["gptq"], out _), logit => Assert.True(float.IsFinite(logit)));
    }

    private static IReadOnlyList<QuantizedTensorReport> Quantize(string recipe, int bits, string source, string target)
    {
        using var model = Model.Open(source);
        var plan = QuantizationPlan.Create(model,
            new QuantizationOptions { Recipe = RecipeCatalogue.Find(recipe), Bits = bits, Granularity = Granularity.Group(16) });
        var calibration = new CalibrationSet([.. Enumerable.Range(0, 4).Select(i =>
            s_prompt.Take(16).Select(token => (token + 31 * i) % 150).ToArray())], "tokens");
        return new Quantizer(plan).Run(target, new RunOptions { Calibration = plan.Options.Recipe.NeedsCalibration ? calibration : null });
    }

    private static float[] Logits(string path, out string[] layers)
    {
        LanguageModel model = LanguageModel.Load(path, PackedArithmetic.Float);
        layers = [.. model.Blocks.SelectMany(block => block.Linears).Select((LinearSlot slot) => slot.Name)];
        return [.. model.CreateSession().Forward([new Segment(s_prompt)], LogitRows.All)];
    }

    // Relative, of all logits.
    private static double Distance(float[] expected, float[] actual) => Math.Sqrt(
        expected.Zip(actual, (a, b) => Math.Pow(a - b, 2)).Sum() / expected.Sum(a => Math.Pow(a, 2)));
}
