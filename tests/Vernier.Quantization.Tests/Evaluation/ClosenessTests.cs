using Vernier.Inference.Models;
using Vernier.Inference;
using Vernier.Quantization.Evaluation;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;

namespace Vernier.Tests.Evaluation;

/// <summary>What the recipes promise of each other, measured on the written files and on text that the float model wrote.</summary>
public class ClosenessTests
{
    [Theory]
    [InlineData(4, 0.85)]
    [InlineData(3, 0.85)]
    [InlineData(2, 0.65)]
    public void DataFreeNupesIsCloserThanUniform(int bits, double ratio)
    {
        LanguageModel model = LanguageModel.Load(SharedData.Quill);
        IReadOnlyList<EvaluationWindow> windows = EvaluationWindows.WrittenBy(model, 8, 128, 5);
        using var folder = new TempFolder();
        double uniform = Divergence("rtn"), nupes = Divergence("nupes-datafree");
        Assert.True(nupes < ratio * uniform, $"{nupes} against {uniform}");

        double Divergence(string recipe)
        {
            using var opened = Model.Open(SharedData.Quill);
            new Quantizer(QuantizationPlan.Create(opened, new QuantizationOptions { Recipe = RecipeCatalogue.Find(recipe), Bits = bits })).Run(folder[recipe]);
            return Evaluator.Evaluate(LanguageModel.Load(folder[recipe]), model, windows).KlDivergence!.Value.Mean;
        }
    }
}
