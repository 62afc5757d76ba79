using Vernier.Inference.Models;
using Vernier.Inference;
using Vernier.Quantization.Evaluation;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;

namespace Vernier.Tests;

public class ReadmeTests
{
    [Fact]
    public void TheExampleRuns()
    {
        using var folder = new TempFolder();
        string output = folder["quill-4bit"];
        // example
        using var model = Model.Open(SharedData.Quill);
        var options = new QuantizationOptions { Recipe = RecipeCatalogue.Find("nupes-datafree"), Bits = 4 };
        var plan = QuantizationPlan.Create(model, options);
        Console.WriteLine($"{plan.SourceBytes} bytes become {plan.Bytes}, {plan.BitsPerWeight:F2} bits per weight");
        new Quantizer(plan).Run(output);

        LanguageModel original = LanguageModel.Load(SharedData.Quill), quantized = LanguageModel.Load(output);
        var windows = EvaluationWindows.WrittenBy(original, count: 16, length: 128, seed: 1);
        Console.WriteLine($"KL divergence {Evaluator.Evaluate(quantized, original, windows).KlDivergence?.Mean:F4}");
        // end
        Assert.True(File.Exists(Path.Combine(output, "model.safetensors")));
    }

    [Fact]
    public void TheExampleIsTheOneInTheReadme()
    {
        string source = File.ReadAllText(Path.Combine(SharedData.Root, "tests", "Vernier.Quantization.Tests", "ReadmeTests.cs"));
        string example = source[(source.IndexOf("// example\n", StringComparison.Ordinal) + 11)..source.IndexOf("        // end", StringComparison.Ordinal)]
            .Replace("SharedData.Quill", "\"samples/quill-6m\"", StringComparison.Ordinal)
            .Replace("output", "\"out/quill-4bit\"", StringComparison.Ordinal)
            .Replace("\n        ", "\n", StringComparison.Ordinal).Trim();
        Assert.Contains(example, File.ReadAllText(Path.Combine(SharedData.Root, "README.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void TheFiguresAreThoseOfTheGeneratedPage()
    {
        string[][] page = Rows(Path.Combine(SharedData.Root, "docs", "quality.md")), readme = Rows(Path.Combine(SharedData.Root, "README.md"));
        int column = Array.IndexOf(page[0], "KL divergence");
        foreach (string bits in (string[])["4", "3", "2"])
        {
            string[] divergences = [.. ((string[])["rtn", "rtn-mirrored", "nupes-datafree"]).Select(recipe => page.Single(row => row[0] == recipe && row[1] == bits)[column])];
            double uniform = double.Parse(divergences[0].Split(' ')[0]), nupes = double.Parse(divergences[2].Split(' ')[0]);
            Assert.Contains(readme, row => row.SequenceEqual([bits, .. divergences, $"{Math.Round(100 * (1 - nupes / uniform))} %"]));
        }
    }

    private static string[][] Rows(string path) => [.. File.ReadLines(path).Where(line => line.StartsWith('|')).Select(line => line.Trim('|').Split('|', StringSplitOptions.TrimEntries))];
}
