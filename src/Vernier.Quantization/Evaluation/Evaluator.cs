using Vernier.Inference;
using Vernier.Numerics;

namespace Vernier.Quantization.Evaluation;

/// <summary>Evaluates a model, alone or against a reference, in one pass over the text.</summary>
public static class Evaluator
{
    private const int BatchTokens = 4096;
    private const int LogitElements = 1 << 23;

    /// <summary>
    /// Perplexity of the model; with a reference also KL(reference || model) over the whole vocabulary and the agreement of the most likely
    /// token. Logarithms and sums are in double precision.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="reference">The model to compare with, of the same vocabulary, or null.</param>
    /// <param name="windows">The text, at least one window.</param>
    /// <param name="progress">Told the part that is done, 0 to 1.</param>
    /// <param name="cancellation">Stops between two batches of windows.</param>
    /// <exception cref="ArgumentException">There is no window, or the vocabularies differ.</exception>
    /// <exception cref="OperationCanceledException">The evaluation was cancelled.</exception>
    public static EvaluationResult Evaluate(
        LanguageModel model, LanguageModel? reference, IReadOnlyList<EvaluationWindow> windows, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(windows);
        if (windows.Count == 0)
            throw new ArgumentException("there is no whole window of text to evaluate on", nameof(windows));
        if (reference is not null && reference.Config.VocabularySize != model.Config.VocabularySize)
            throw new ArgumentException($"the models have different vocabularies, {model.Config.VocabularySize} and {reference.Config.VocabularySize} tokens", nameof(reference));
        var scores = new WindowScore[windows.Count];
        int batch = Math.Max(1, BatchTokens / windows[0].Inputs.Length);
        for (int first = 0; first < windows.Count; first += batch)
        {
            cancellation.ThrowIfCancellationRequested();
            int count = Math.Min(batch, windows.Count - first);
            ScoreBatch(model, reference, windows, first, count, scores);
            progress?.Report((double)(first + count) / windows.Count);
        }
        return Summarise(scores, reference is not null);
    }

    private static void ScoreBatch(LanguageModel model, LanguageModel? reference, IReadOnlyList<EvaluationWindow> windows, int first, int count, WindowScore[] scores)
    {
        var segments = new Segment[count];
        for (int i = 0; i < count; i++)
            segments[i] = new Segment(windows[first + i].Inputs);
        ReadOnlySpan<float> hidden = model.Hidden(segments, LogitRows.All);
        ReadOnlySpan<float> referenceHidden = reference is null ? default : reference.Hidden(segments, LogitRows.All);
        (int Window, int Position)[] rows = [.. Enumerable.Range(first, count).SelectMany(w => Enumerable.Range(0, windows[w].Inputs.Length).Select(p => (w, p)))];
        int vocabulary = model.Config.VocabularySize, chunk = Math.Clamp(LogitElements / vocabulary, 1, rows.Length);
        float[] logits = new float[chunk * vocabulary], referenceLogits = reference is null ? [] : new float[chunk * vocabulary];
        var tokens = new TokenScore[rows.Length];
        for (int start = 0; start < rows.Length; start += chunk)
        {
            int length = Math.Min(chunk, rows.Length - start), offset = start;
            Logits(model, hidden, start, length, logits);
            if (reference is not null)
                Logits(reference, referenceHidden, start, length, referenceLogits);
            ParallelLoop.For(length, i =>
            {
                (int window, int position) = rows[offset + i];
                Span<float> row = logits.AsSpan(i * vocabulary, vocabulary);
                ReadOnlySpan<float> other = referenceLogits.Length == 0 ? default : referenceLogits.AsSpan(i * vocabulary, vocabulary);
                if (position >= windows[window].FirstScored)
                    tokens[offset + i] = TokenScore.Of(row, other, windows[window].Targets[position]);
            });
        }
        for (int i = 0; i < rows.Length; i++)
        {
            if (rows[i].Position >= windows[rows[i].Window].FirstScored)
                scores[rows[i].Window].Add(tokens[i]);
        }
    }

    private static void Logits(LanguageModel model, ReadOnlySpan<float> hidden, int start, int length, float[] logits)
    {
        int width = model.Config.HiddenSize;
        model.Head.Apply(hidden.Slice(start * width, length * width), logits.AsSpan(0, length * model.Config.VocabularySize), length);
    }

    private static EvaluationResult Summarise(WindowScore[] scores, bool compared) => new(
        scores.Length,
        scores.Sum(score => score.Tokens),
        Mean(scores, score => score.Sum.NegativeLogLikelihood),
        compared ? Mean(scores, score => score.Sum.ReferenceNegativeLogLikelihood) : null,
        compared ? Mean(scores, score => score.Sum.KlDivergence) : null,
        compared ? Mean(scores, score => score.Sum.SameTop) : null);

    // The mean over tokens is a ratio of sums over windows; its variance by linearisation. With windows of one size this is the usual
    // standard error of the windows' means.
    private static Estimate Mean(WindowScore[] scores, Func<WindowScore, double> sum)
    {
        double tokens = scores.Sum(score => (double)score.Tokens), mean = scores.Sum(sum) / tokens;
        double squares = scores.Sum(score => Math.Pow(sum(score) - mean * score.Tokens, 2));
        int n = scores.Length;
        return new Estimate(mean, n < 2 ? double.NaN : Math.Sqrt(squares * n / (n - 1)) / tokens);
    }

    private struct WindowScore
    {
        public long Tokens { get; private set; }

        public TokenScore Sum { get; private set; }

        public void Add(TokenScore token)
        {
            Tokens++;
            Sum = new TokenScore(Sum.NegativeLogLikelihood + token.NegativeLogLikelihood, Sum.ReferenceNegativeLogLikelihood + token.ReferenceNegativeLogLikelihood,
                Sum.KlDivergence + token.KlDivergence, Sum.SameTop + token.SameTop);
        }
    }
}
