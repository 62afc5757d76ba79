using Vernier.Numerics;

namespace Vernier.Inference;

/// <summary>Writes text with a model: one continuation, or many independent texts at once.</summary>
/// <remarks>It runs passes of the model, so that the model must not be used by others meanwhile.</remarks>
public sealed class Generator
{
    /// <summary>Prompt tokens of one pass; bounds the memory of a long prompt.</summary>
    private const int PromptRows = 512;

    private readonly LanguageModel _model;

    /// <summary>Makes a generator.</summary>
    public Generator(LanguageModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model;
    }

    /// <summary>
    /// Continues a prompt. Each token is computed when it is asked for. Ends before a stop token, after
    /// <paramref name="maxTokens"/>, or when the model's context is full.
    /// </summary>
    /// <param name="prompt">The prompt, at least one token and at most the model's longest context.</param>
    /// <param name="options">How tokens are drawn.</param>
    /// <param name="maxTokens">The most tokens to write, at least 0.</param>
    /// <param name="stopTokens">The tokens to stop before; null, the default, means the model's end-of-text tokens.</param>
    /// <exception cref="ArgumentException">An argument lies outside its range.</exception>
    public IEnumerable<int> Generate(ReadOnlyMemory<int> prompt, SamplingOptions options, int maxTokens, IReadOnlyCollection<int>? stopTokens = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxTokens);
        if (prompt.IsEmpty)
            throw new ArgumentException("the prompt has no tokens; begin with the model's begin-of-text token", nameof(prompt));
        int capacity = _model.Config.MaxPositions;
        if (prompt.Length > capacity)
            throw new ArgumentException($"the prompt has {prompt.Length} tokens, more than the model's context of {capacity}", nameof(prompt));
        var sampler = new Sampler(options);
        HashSet<int> stops = [.. stopTokens ?? _model.Config.EndTokens];
        return Continue(prompt, sampler, (int)Math.Min((long)maxTokens, (long)capacity - prompt.Length + 1), stops);
    }

    /// <summary>
    /// Writes texts of a fixed length, each from the begin-of-text token, which is their first: the model's own sample of its
    /// language. End-of-text tokens are never drawn, so that every text is one whole piece. Text i depends on the seed and
    /// on i alone as far as the linear layers compute a row the same in any batch, and not on the number of threads.
    /// </summary>
    /// <param name="sequences">How many texts, at least 0.</param>
    /// <param name="length">Their length in tokens, the first included: 1 to the model's longest context.</param>
    /// <param name="options">How tokens are drawn.</param>
    /// <param name="batch">How many are written at the same time, at least 1. Default 32.</param>
    /// <param name="firstToken">The first token; null, the default, means the model's begin-of-text token.</param>
    /// <param name="cancellation">Stops between two tokens.</param>
    /// <exception cref="ArgumentException">An argument lies outside its range, or the model has no begin-of-text token and none is given.</exception>
    /// <exception cref="OperationCanceledException">The writing was cancelled.</exception>
    public int[][] Sample(int sequences, int length, SamplingOptions options, int batch = 32, int? firstToken = null, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sequences);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, _model.Config.MaxPositions);
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        int begin = firstToken ?? _model.Config.BeginToken
            ?? throw new ArgumentException("the model has no begin-of-text token; give the first token", nameof(firstToken));
        int[][] texts = new int[sequences][];
        for (int first = 0; first < sequences; first += batch)
            SampleBatch(texts, first, Math.Min(batch, sequences - first), length, options, begin, cancellation);
        return texts;
    }

    private IEnumerable<int> Continue(ReadOnlyMemory<int> prompt, Sampler sampler, int maxTokens, HashSet<int> stops)
    {
        if (maxTokens == 0)
            yield break;
        KvCache cache = _model.CreateCache((int)Math.Min((long)prompt.Length + maxTokens, _model.Config.MaxPositions));
        while (prompt.Length > PromptRows)
        {
            _model.Hidden([new Segment(prompt[..PromptRows], cache)], LogitRows.Last);
            prompt = prompt[PromptRows..];
        }
        int[] last = new int[1];
        for (int written = 0; written < maxTokens; written++)
        {
            int token = sampler.Next(_model.Forward([new Segment(prompt, cache)], LogitRows.Last));
            if (stops.Contains(token))
                yield break;
            yield return token;
            last[0] = token;
            prompt = last;
        }
    }

    private void SampleBatch(int[][] texts, int first, int count, int length, SamplingOptions options, int begin, CancellationToken cancellation)
    {
        int vocabulary = _model.Config.VocabularySize;
        var samplers = new Sampler[count];
        var caches = new KvCache[count];
        for (int i = 0; i < count; i++)
        {
            samplers[i] = new Sampler(options, first + i);
            caches[i] = _model.CreateCache(length);
            texts[first + i] = new int[length];
            texts[first + i][0] = begin;
        }
        var segments = new Segment[count];
        float[] logits = new float[checked(count * vocabulary)];
        for (int position = 0; position < length - 1; position++)
        {
            cancellation.ThrowIfCancellationRequested();
            for (int i = 0; i < count; i++)
                segments[i] = new Segment(texts[first + i].AsMemory(position, 1), caches[i]);
            _model.Forward(segments, LogitRows.Last, logits);
            int next = position + 1;
            ParallelLoop.For(count, i =>
            {
                Span<float> row = logits.AsSpan(i * vocabulary, vocabulary);
                foreach (int end in _model.Config.EndTokens)
                    row[end] = float.NegativeInfinity;
                texts[first + i][next] = samplers[i].Next(row);
            });
        }
    }
}
