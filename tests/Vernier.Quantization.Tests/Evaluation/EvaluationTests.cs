using System.Text.Json;
using Vernier.Files.Tokenizers;
using Vernier.Inference;
using Vernier.Quantization.Evaluation;

namespace Vernier.Tests.Evaluation;

public class EvaluationTests
{
    [Fact]
    public void ConsecutiveWindowsFollowTheProtocolOfTheReference()
    {
        int[] tokens = [.. Enumerable.Range(100, 11)];
        IReadOnlyList<EvaluationWindow> windows = EvaluationWindows.Cut(tokens, length: 4, stride: 4, begin: 9);
        Assert.Equal(2, windows.Count);
        Assert.Equal([9, 100, 101, 102], windows[0].Inputs);
        Assert.Equal([100, 101, 102, 103], windows[0].Targets);
        Assert.Equal([9, 104, 105, 106], windows[1].Inputs);
        Assert.All(windows, window => Assert.Equal(0, window.FirstScored));
    }

    [Theory]
    [InlineData(8, 8, true)]
    [InlineData(8, 3, true)]
    [InlineData(8, 1, true)]
    [InlineData(8, 3, false)]
    [InlineData(8, 1, false)]
    public void OverlappingWindowsScoreEachTokenOnce(int length, int stride, bool begin)
    {
        int[] tokens = [.. Enumerable.Range(0, 50)];
        IReadOnlyList<EvaluationWindow> windows = EvaluationWindows.Cut(tokens, length, stride, begin ? 99 : null);
        int[] scored = [.. windows.SelectMany(window => window.Targets[window.FirstScored..])];
        int last = (50 - length) / stride * stride + length;
        Assert.Equal(Enumerable.Range(begin ? 0 : 1, last - (begin ? 0 : 1)), scored);
        foreach (EvaluationWindow window in windows)
        {
            Assert.Equal(window.Targets.Length, window.Inputs.Length);
            Assert.Equal(window.Targets[..^1], window.Inputs[1..]);
        }
    }

    [Fact]
    public void ConsecutiveWindowsWithoutABeginTokenLoseTheirFirstToken()
    {
        IReadOnlyList<EvaluationWindow> windows = EvaluationWindows.Cut([.. Enumerable.Range(0, 8)], 4, 4, begin: null);
        Assert.Equal([1, 2, 3, 5, 6, 7], windows.SelectMany(window => window.Targets[window.FirstScored..]));
    }

    [Fact]
    public void ScoresAreThoseOfPlainSums()
    {
        var random = new Random(1);
        for (int round = 0; round < 200; round++)
        {
            int n = 2 + random.Next(300);
            float spread = round % 2 == 0 ? 4 : 60;
            float[] logits = [.. Enumerable.Range(0, n).Select(_ => (float)(spread * (random.NextDouble() - 0.5)))],
                reference = [.. logits.Select(x => x + (float)(random.NextDouble() - 0.5))];
            int target = random.Next(n);
            double[] p = Softmax(reference), q = Softmax(logits);
            var score = TokenScore.Of(logits, reference, target);
            Assert.Equal(-Math.Log(q[target]), score.NegativeLogLikelihood, 1e-4);
            Assert.Equal(-Math.Log(p[target]), score.ReferenceNegativeLogLikelihood, 1e-4);
            Assert.Equal(p.Zip(q, (a, b) => a == 0 ? 0 : a * Math.Log(a / b)).Sum(), score.KlDivergence, 1e-5);
            Assert.Equal(Array.IndexOf(p, p.Max()) == Array.IndexOf(q, q.Max()) ? 1 : 0, score.SameTop);
        }
    }

    [Fact]
    public void AModelIsNoDistanceFromItself()
    {
        LanguageModel model = LanguageModel.Load(SharedData.Quill);
        EvaluationResult result = Evaluator.Evaluate(
            model, LanguageModel.Load(SharedData.Quill), EvaluationWindows.WrittenBy(model, 4, 64, 1));
        Assert.Equal(0, result.KlDivergence!.Value.Mean);
        Assert.Equal(1, result.Top1Agreement!.Value.Mean);
        Assert.Equal(result.Perplexity, result.ReferencePerplexity);
        Assert.Equal(4 * 63, result.Tokens);
    }

    [Fact]
    public void TheModelsOwnTextIsTheSameForASeedAndLikelyToIt()
    {
        LanguageModel model = LanguageModel.Load(SharedData.Quill);
        IReadOnlyList<EvaluationWindow> one = EvaluationWindows.WrittenBy(model, 3, 48, 7),
            again = EvaluationWindows.WrittenBy(model, 3, 48, 7), other = EvaluationWindows.WrittenBy(model, 3, 48, 8);
        Assert.Equal(one.SelectMany(window => window.Inputs), again.SelectMany(window => window.Inputs));
        Assert.NotEqual(one.SelectMany(window => window.Inputs), other.SelectMany(window => window.Inputs));
        Assert.InRange(Evaluator.Evaluate(model, null, one).Perplexity.Mean, 2, 200);
    }

    [Fact]
    public void StandardErrorsAreThoseOfTheWindowMeans()
    {
        LanguageModel model = LanguageModel.Load(SharedData.Quill);
        IReadOnlyList<EvaluationWindow> windows = EvaluationWindows.WrittenBy(model, 6, 32, 3);
        double[] means = [.. windows.Select(window => Evaluator.Evaluate(model, null, [window]).NegativeLogLikelihood.Mean)];
        Estimate all = Evaluator.Evaluate(model, null, windows).NegativeLogLikelihood;
        double mean = means.Average(), error = Math.Sqrt(means.Sum(x => (x - mean) * (x - mean)) / 5 / 6);
        Assert.Equal(mean, all.Mean, 1e-6);
        Assert.Equal(error, all.StandardError, 1e-6);
        Assert.True(double.IsNaN(Evaluator.Evaluate(model, null, windows.Take(1).ToList()).NegativeLogLikelihood.StandardError));
    }

    /// <summary>A minute and more: only where VERNIER_LONG asks for it. Logits are compared with the reference on every run.</summary>
    [Fact]
    public void TheFloatModelHasThePerplexityOfTheReference()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("VERNIER_LONG") is not null, "VERNIER_LONG is not set");
        string text = File.ReadAllText(SharedData.Require("data/text/wikitext2-test.txt"));
        using JsonDocument reference = JsonDocument.Parse(File.ReadAllText(Path.Combine(SharedData.Quill, "reference.json")));
        double expected = reference.RootElement.GetProperty("perplexity").GetProperty("first_512_windows").GetDouble();
        LanguageModel model = LanguageModel.Load(SharedData.Quill);
        int[] tokens = Tokenizer.Load(SharedData.Quill).Encode(text);
        Assert.Equal(reference.RootElement.GetProperty("perplexity").GetProperty("windows").GetInt32(), tokens.Length / 256);
        double perplexity = Evaluator.Evaluate(model, null,
            EvaluationWindows.Cut(tokens, 256, 256, model.Config.BeginToken, limit: 512)).Perplexity.Mean;
        Assert.InRange(perplexity / expected, 0.999, 1.001);
    }

    [Fact]
    public void NoWindowsAndOtherVocabulariesAreRefused()
    {
        LanguageModel model = LanguageModel.Load(SharedData.Quill);
        Assert.Equal("windows", Assert.Throws<ArgumentException>(() => Evaluator.Evaluate(model, null, [])).ParamName);
        Assert.Equal("length", Assert.Throws<ArgumentOutOfRangeException>(() => EvaluationWindows.Cut([1, 2, 3], 1, 1, null)).ParamName);
        Assert.Equal("stride", Assert.Throws<ArgumentOutOfRangeException>(() => EvaluationWindows.Cut([1, 2, 3], 2, 3, null)).ParamName);
        Assert.Equal("stride", Assert.Throws<ArgumentOutOfRangeException>(() => EvaluationWindows.Cut([1, 2, 3], 2, 0, null)).ParamName);
    }

    private static double[] Softmax(float[] logits)
    {
        double largest = logits.Max();
        double[] exponentials = [.. logits.Select(x => Math.Exp(x - largest))];
        double sum = exponentials.Sum();
        return [.. exponentials.Select(x => x / sum)];
    }
}
