using Vernier.Errors;
using Vernier.Inference.Passes;
using Vernier.Inference;
using Vernier.Memory;
using Vernier.Numerics;

namespace Vernier.Quantization.Evaluation;

/// <summary>Evaluates models, alone or against a reference, in one pass over the text.</summary>
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
    /// <param name="workers">Who computes; null, the default, for all processors.</param>
    /// <param name="cancellation">Stops between two batches of windows.</param>
    /// <exception cref="ArgumentException">There is no window, or the vocabularies differ.</exception>
    /// <exception cref="NotFiniteException">A model, or the reference, predicts what is no finite number.</exception>
    /// <exception cref="OperationCanceledException">The evaluation was cancelled.</exception>
    public static EvaluationResult Evaluate(
        LanguageModel model, LanguageModel? reference, IReadOnlyList<EvaluationWindow> windows, IProgress<double>? progress = null,
        Workers? workers = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        return Evaluate([model], reference, windows, progress, workers, cancellation)[0];
    }

    /// <summary>As for one model, for several of one vocabulary: the reference runs once for all of them.</summary>
    /// <param name="models">The models, at least one.</param>
    /// <param name="reference">The model to compare with, of the same vocabulary, or null.</param>
    /// <param name="windows">The text, at least one window.</param>
    /// <param name="progress">Told the part that is done, 0 to 1.</param>
    /// <param name="workers">Who computes; null, the default, for all processors.</param>
    /// <param name="cancellation">Stops between two batches of windows.</param>
    /// <returns>A result for each model.</returns>
    /// <exception cref="ArgumentException">There is no window, or the vocabularies differ.</exception>
    /// <exception cref="NotFiniteException">A model, or the reference, predicts what is no finite number.</exception>
    /// <exception cref="OperationCanceledException">The evaluation was cancelled.</exception>
    public static IReadOnlyList<EvaluationResult> Evaluate(
        IReadOnlyList<LanguageModel> models, LanguageModel? reference, IReadOnlyList<EvaluationWindow> windows,
            IProgress<double>? progress = null,
        Workers? workers = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(models);
        ArgumentNullException.ThrowIfNull(windows);
        if (windows.Count == 0)
            throw new ArgumentException("there is no whole window of text to evaluate on", nameof(windows));
        int vocabulary = (reference ?? models[0]).Config.VocabularySize;
        if (models.FirstOrDefault(model => model.Config.VocabularySize != vocabulary) is LanguageModel different)
            throw new ArgumentException(
                $"the models have different vocabularies, {different.Config.VocabularySize} and {vocabulary} tokens", nameof(reference));
        WindowScore[][] scores = [.. models.Select(_ => new WindowScore[windows.Count])];
        InferenceSession[] sessions = [.. models.Select(model => new InferenceSession(model, workers))];
        InferenceSession? other = reference is null ? null : new InferenceSession(reference, workers);
        int batch = Math.Max(1, BatchTokens / windows[0].Inputs.Length);
        for (int first = 0; first < windows.Count; first += batch)
        {
            cancellation.ThrowIfCancellationRequested();
            int count = Math.Min(batch, windows.Count - first);
            ScoreBatch(sessions, other, windows, first, count, scores);
            progress?.Report((double)(first + count) / windows.Count);
        }
        return [.. scores.Select(score => Summarise(score, reference is not null))];
    }

    private static void ScoreBatch(InferenceSession[] models, InferenceSession? reference, IReadOnlyList<EvaluationWindow> windows,
        int first, int count, WindowScore[][] scores)
    {
        var segments = new Segment[count];
        for (int i = 0; i < count; i++)
            segments[i] = new Segment(windows[first + i].Inputs);
        ReadOnlySpan<float> referenceHidden = reference is null ? default : reference.Hidden(segments, LogitRows.All);
        (int Window, int Position)[] rows = [.. Enumerable.Range(first, count)
            .SelectMany(w => Enumerable.Range(0, windows[w].Inputs.Length).Select(p => (w, p)))];
        int vocabulary = models[0].Model.Config.VocabularySize, chunk = Math.Clamp(LogitElements / vocabulary, 1, rows.Length);
        using var logits = new PooledArray<float>(chunk * vocabulary);
        using var referenceLogits = new PooledArray<float>(reference is null ? 0 : chunk * vocabulary);
        float[][] hidden = [.. models.Select(model => model.Hidden(segments, LogitRows.All).ToArray())];
        TokenScore[][] tokens = [.. models.Select(_ => new TokenScore[rows.Length])];
        for (int start = 0; start < rows.Length; start += chunk)
        {
            int length = Math.Min(chunk, rows.Length - start), offset = start;
            if (reference is not null)
                Logits(reference, referenceHidden, start, length, referenceLogits.Span);
            for (int m = 0; m < models.Length; m++)
            {
                Logits(models[m], hidden[m], start, length, logits.Span);
                TokenScore[] scored = tokens[m];
                models[m].Workers.For(length, i =>
                {
                    (int window, int position) = rows[offset + i];
                    ReadOnlySpan<float> other = reference is null ? default : referenceLogits.Span.Slice(i * vocabulary, vocabulary);
                    if (position >= windows[window].FirstScored)
                        scored[offset + i] = TokenScore.Of(logits.Span.Slice(i * vocabulary, vocabulary), other,
                            windows[window].Targets[position]);
                });
            }
        }
        for (int m = 0; m < models.Length; m++)
        {
            for (int i = 0; i < rows.Length; i++)
            {
                (int window, int position) = rows[i];
                if (!tokens[m][i].IsFinite)
                {
                    bool ours = double.IsFinite(tokens[m][i].ReferenceNegativeLogLikelihood);
                    throw NotFiniteTrace.Explain(ours ? models[m].Model : reference!.Model, windows[window].Inputs, $"in window {window}",
                        ours ? m : -1, models[m].Workers);
                }
                if (position >= windows[window].FirstScored)
                    scores[m][window].Add(tokens[m][i]);
            }
        }
    }

    private static void Logits(InferenceSession session, ReadOnlySpan<float> hidden, int start, int length, Span<float> logits)
    {
        LanguageModel model = session.Model;
        int width = model.Config.HiddenSize;
        model.Head.Apply(hidden.Slice(start * width, length * width), logits[..(length * model.Config.VocabularySize)], length,
            session.Workers);
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
            Sum = new TokenScore(Sum.NegativeLogLikelihood + token.NegativeLogLikelihood,
                Sum.ReferenceNegativeLogLikelihood + token.ReferenceNegativeLogLikelihood,
                Sum.KlDivergence + token.KlDivergence, Sum.SameTop + token.SameTop);
        }
    }
}
