using Vernier.Inference;
using Vernier.Inference.Passes;
using Vernier.Numerics;
using Vernier.Quantization.Evaluation;

namespace Vernier.Tests.Evaluation;

/// <summary>Evaluations of a small model against a plain computation, window by window.</summary>
public sealed class PlainEvaluationTests : IDisposable
{
    private const int Vocabulary = 48;

    private readonly TempFolder _folder = new();
    private readonly LanguageModel _model, _other;

    public PlainEvaluationTests()
    {
        _model = LanguageModel.Load(TinyModel.Write(_folder["one"], TinyLlama.Spec, seed: 1));
        _other = LanguageModel.Load(TinyModel.Write(_folder["two"], TinyLlama.Spec, seed: 2));
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Texts of whole windows and of a remainder, with and without overlap; more windows than a batch holds.</summary>
    [Theory]
    [InlineData(64, 16, 16, true)]
    [InlineData(71, 16, 16, false)]
    [InlineData(71, 16, 5, true)]
    [InlineData(79, 16, 5, false)]
    [InlineData(16, 16, 16, false)]
    [InlineData(2, 2, 1, true)]
    [InlineData(4500, 64, 64, true)]
    public void LikelihoodAndDivergenceAreThoseOfPlainSums(int length, int window, int stride, bool begin)
    {
        IReadOnlyList<EvaluationWindow> windows = EvaluationWindows.Cut(Tokens(length), window, stride, begin ? 0 : null);
        EvaluationResult found = Evaluator.Evaluate(_model, _other, windows);
        double likelihood = 0, reference = 0, divergence = 0, same = 0;
        long scored = 0;
        foreach (EvaluationWindow one in windows)
        {
            float[] logits = Logits(_model, one), others = Logits(_other, one);
            for (int position = one.FirstScored; position < one.Targets.Length; position++)
            {
                double[] q = LogSoftmax(logits, position), p = LogSoftmax(others, position);
                likelihood -= q[one.Targets[position]];
                reference -= p[one.Targets[position]];
                divergence += p.Zip(q, (a, b) => Math.Exp(a) * (a - b)).Sum();
                same += Array.IndexOf(p, p.Max()) == Array.IndexOf(q, q.Max()) ? 1 : 0;
                scored++;
            }
        }
        Assert.Equal((windows.Count, scored), (found.Windows, found.Tokens));
        Assert.Equal(likelihood / scored, found.NegativeLogLikelihood.Mean, 1e-4);
        Assert.Equal(reference / scored, Math.Log(found.ReferencePerplexity!.Value.Mean), 1e-4);
        Assert.Equal(Math.Exp(found.NegativeLogLikelihood.Mean), found.Perplexity.Mean);
        Assert.Equal(divergence / scored, found.KlDivergence!.Value.Mean, 1e-4);
        Assert.Equal(same / scored, found.Top1Agreement!.Value.Mean, 1e-9);
        Assert.True(found.KlDivergence.Value.Mean > 0.01);
    }

    [Fact]
    public void OfTheRemainderNothingCounts()
    {
        int[] text = Tokens(79), other = [.. text[..64], .. Enumerable.Repeat(3, 15)];
        Assert.Equal(Evaluator.Evaluate(_model, _other, EvaluationWindows.Cut(text, 16, 16, 0)),
            Evaluator.Evaluate(_model, _other, EvaluationWindows.Cut(other, 16, 16, 0)));
    }

    [Fact]
    public void SeveralModelsHaveTheResultsOfEachAlone()
    {
        IReadOnlyList<EvaluationWindow> windows = EvaluationWindows.Cut(Tokens(200), 32, 24, 0);
        IReadOnlyList<EvaluationResult> together = Evaluator.Evaluate([_model, _other], _model, windows);
        Assert.Equal(Evaluator.Evaluate(_model, _model, windows), together[0]);
        Assert.Equal(Evaluator.Evaluate(_other, _model, windows), together[1]);
        Assert.Equal((0.0, 1.0), (together[0].KlDivergence!.Value.Mean, together[0].Top1Agreement!.Value.Mean));
        EvaluationResult alone = Evaluator.Evaluate(_other, null, windows);
        Assert.Equal(together[1].NegativeLogLikelihood, alone.NegativeLogLikelihood);
        Assert.Equal((null, null, null, null),
            (alone.ReferenceNegativeLogLikelihood, alone.ReferencePerplexity, alone.KlDivergence, alone.Top1Agreement));
    }

    [Fact]
    public void TheNumberOfThreadsDoesNotChangeTheResult()
    {
        IReadOnlyList<EvaluationWindow> windows = EvaluationWindows.Cut(Tokens(300), 48, 48, 0);
        EvaluationResult[] results = [.. ((int[])[1, 2, 3]).Select(threads =>
        {
            using var workers = new Workers(threads);
            return Evaluator.Evaluate(_model, _other, windows, workers: workers);
        })];
        Assert.Equal(results[0], results[1]);
        Assert.Equal(results[0], results[2]);
    }

    [Fact]
    public void ProgressEndsAtOneAndWorkStopsBetweenTwoBatches()
    {
        // 64 windows of 64 tokens are a batch.
        IReadOnlyList<EvaluationWindow> windows = EvaluationWindows.Cut(Tokens(64 * 130), 64, 64, 0);
        var told = new List<double>();
        Evaluator.Evaluate(_model, null, windows, new Telling(told.Add));
        Assert.Equal([64 / 130.0, 128 / 130.0, 1], told);
        using var stop = new CancellationTokenSource();
        told.Clear();
        Assert.Throws<OperationCanceledException>(() => Evaluator.Evaluate(_model, null, windows, new Telling(part =>
        {
            told.Add(part);
            stop.Cancel();
        }), cancellation: stop.Token));
        Assert.Single(told);
    }

    [Fact]
    public void OtherVocabulariesAreRefused()
    {
        var small = LanguageModel.Load(TinyModel.Write(_folder["small"], TinyLlama.Spec with { Vocabulary = 47 }));
        IReadOnlyList<EvaluationWindow> windows = EvaluationWindows.Cut(Tokens(32), 16, 16, 0);
        foreach (Action evaluate in (Action[])[() => Evaluator.Evaluate(small, _model, windows),
            () => Evaluator.Evaluate([_model, small], null, windows)])
        {
            string message = Assert.Throws<ArgumentException>(evaluate).Message;
            Assert.StartsWith("the models have different vocabularies, 47 and 48 tokens", message, StringComparison.Ordinal);
        }
    }

    /// <summary>A token that is all but impossible costs its distance and nothing is lost: no logarithm of zero.</summary>
    [Fact]
    public void UnlikelyTokensHaveFiniteScores()
    {
        float[] logits = [0, 200, -200, 100], reference = [300, 0, 0, -300];
        var score = TokenScore.Of(logits, reference, 2);
        // The exponentials are those of single precision.
        Assert.Equal(400, score.NegativeLogLikelihood, 1e-6);
        Assert.Equal(300, score.ReferenceNegativeLogLikelihood, 1e-6);
        Assert.Equal((200, 0), (Math.Round(score.KlDivergence, 6), score.SameTop));
        Assert.Equal(new TokenScore(score.NegativeLogLikelihood, 0, 0, 0), TokenScore.Of(logits, [], 2));
        Assert.Equal(new TokenScore(0, 0, 0, 1), TokenScore.Of([5], [-7], 0));
    }

    private static int[] Tokens(int count) => [.. Enumerable.Range(0, count).Select(i => 2 + (i * i + i / 3) % 46)];

    private static float[] Logits(LanguageModel model, EvaluationWindow window) =>
        model.CreateSession().Forward([new Segment(window.Inputs)], LogitRows.All).ToArray();

    private static double[] LogSoftmax(float[] logits, int position)
    {
        double[] row = [.. logits.Skip(position * Vocabulary).Take(Vocabulary).Select(value => (double)value)];
        double sum = Math.Log(row.Sum(value => Math.Exp(value - row.Max()))) + row.Max();
        return Array.ConvertAll(row, value => value - sum);
    }

    private sealed class Telling(Action<double> action) : IProgress<double>
    {
        public void Report(double value) => action(value);
    }
}
