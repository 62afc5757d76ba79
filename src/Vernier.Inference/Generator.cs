using System.Runtime.CompilerServices;
using Vernier.Errors;
using Vernier.Inference.Passes;
using Vernier.Inference.Sampling;

namespace Vernier.Inference;

/// <summary>Writes text with a model: one continuation, or many independent texts at once.</summary>
/// <remarks>It runs passes of its session, so that the session must not be used by others meanwhile.</remarks>
public sealed class Generator
{
    /// <summary>Prompt tokens of one pass; bounds the memory of a long prompt.</summary>
    private const int PromptRows = 512;

    private readonly InferenceSession _session;
    private readonly LanguageModel _model;

    /// <summary>Makes a generator that works in a session.</summary>
    public Generator(InferenceSession session)
    {
        ArgumentNullException.ThrowIfNull(session);
        (_session, _model) = (session, session.Model);
    }

    /// <summary>Makes a generator with a session of its own.</summary>
    public Generator(LanguageModel model)
        : this(new InferenceSession(model))
    {
    }

    /// <summary>
    /// Continues a prompt. Each token is computed when it is asked for. Ends before a stop token, after
    /// <paramref name="maxTokens"/>, or when the model's context is full.
    /// </summary>
    /// <param name="prompt">The prompt, at least one token and at most the model's longest context.</param>
    /// <param name="options">How tokens are drawn.</param>
    /// <param name="maxTokens">The most tokens to write, at least 0.</param>
    /// <param name="stopTokens">The tokens to stop before; null, the default, means the model's end-of-text tokens.</param>
    /// <param name="cancellation">Stops within a pass, also that of a long prompt.</param>
    /// <exception cref="ArgumentException">An argument lies outside its range.</exception>
    /// <exception cref="OperationCanceledException">The writing was cancelled: thrown where the next token is asked for.</exception>
    public IEnumerable<int> Generate(ReadOnlyMemory<int> prompt, SamplingOptions options, int maxTokens,
        IReadOnlyCollection<int>? stopTokens = null, CancellationToken cancellation = default) =>
        Continue(Begin(prompt, options, maxTokens, stopTokens), cancellation);

    /// <summary>As <see cref="Generate"/>, on threads of the pool: whoever asks for a token is not held up while it is computed.</summary>
    /// <inheritdoc cref="Generate"/>
    public IAsyncEnumerable<int> GenerateAsync(
        ReadOnlyMemory<int> prompt, SamplingOptions options, int maxTokens, IReadOnlyCollection<int>? stopTokens = null,
            CancellationToken cancellation = default) =>
        ContinueAsync(Begin(prompt, options, maxTokens, stopTokens), cancellation);

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
    /// <param name="cancellation">Stops within a pass.</param>
    /// <exception cref="ArgumentException">An argument lies outside its range, or the model has no begin-of-text token and none is
    /// given.</exception>
    /// <exception cref="NotFiniteException">A prediction is no finite number.</exception>
    /// <exception cref="OperationCanceledException">The writing was cancelled.</exception>
    public int[][] Sample(int sequences, int length, SamplingOptions options, int batch = 32, int? firstToken = null,
        CancellationToken cancellation = default)
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

    private Continuation Begin(ReadOnlyMemory<int> prompt, SamplingOptions options, int maxTokens, IReadOnlyCollection<int>? stopTokens)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxTokens);
        if (prompt.IsEmpty)
            throw new ArgumentException("the prompt has no tokens; begin with the model's begin-of-text token", nameof(prompt));
        int capacity = _model.Config.MaxPositions;
        if (prompt.Length > capacity)
            throw new ArgumentException($"the prompt has {prompt.Length} tokens, more than the model's context of {capacity}",
                nameof(prompt));
        return new Continuation(prompt, new Sampler(options), (int)Math.Min((long)maxTokens, (long)capacity - prompt.Length + 1),
            [.. stopTokens ?? _model.Config.EndTokens]);
    }

    private IEnumerable<int> Continue(Continuation text, CancellationToken cancellation)
    {
        if (text.MaxTokens == 0)
            yield break;
        SequenceState state = StateFor(text);
        int[] last = new int[1];
        ReadOnlyMemory<int> tokens = text.Prompt;
        for (int written = 0; written < text.MaxTokens; written++)
        {
            int token = Next(tokens, state, text.Sampler, cancellation);
            if (text.StopTokens.Contains(token))
                yield break;
            yield return token;
            last[0] = token;
            tokens = last;
        }
    }

    private async IAsyncEnumerable<int> ContinueAsync(Continuation text, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (text.MaxTokens == 0)
            yield break;
        SequenceState state = StateFor(text);
        int[] last = new int[1];
        ReadOnlyMemory<int> tokens = text.Prompt;
        for (int written = 0; written < text.MaxTokens; written++)
        {
            int token = await Task.Run(() => Next(tokens, state, text.Sampler, cancellation), cancellation).ConfigureAwait(false);
            if (text.StopTokens.Contains(token))
                yield break;
            yield return token;
            last[0] = token;
            tokens = last;
        }
    }

    private SequenceState StateFor(Continuation text) =>
        _session.CreateState((int)Math.Min((long)text.Prompt.Length + text.MaxTokens, _model.Config.MaxPositions));

    /// <summary>Runs the tokens, those of a long prompt in several passes, and draws the next.</summary>
    private int Next(ReadOnlyMemory<int> tokens, SequenceState state, Sampler sampler, CancellationToken cancellation)
    {
        while (tokens.Length > PromptRows)
        {
            _session.Hidden([new Segment(tokens[..PromptRows], state)], LogitRows.Last, cancellation);
            tokens = tokens[PromptRows..];
        }
        return sampler.Next(_session.Forward([new Segment(tokens, state)], LogitRows.Last, cancellation));
    }

    private void SampleBatch(int[][] texts, int first, int count, int length, SamplingOptions options, int begin,
        CancellationToken cancellation)
    {
        int vocabulary = _model.Config.VocabularySize;
        var samplers = new Sampler[count];
        var states = new SequenceState[count];
        for (int i = 0; i < count; i++)
        {
            samplers[i] = new Sampler(options, first + i);
            states[i] = _session.CreateState(length);
            texts[first + i] = new int[length];
            texts[first + i][0] = begin;
        }
        var segments = new Segment[count];
        float[] logits = new float[checked(count * vocabulary)];
        for (int position = 0; position < length - 1; position++)
        {
            for (int i = 0; i < count; i++)
                segments[i] = new Segment(texts[first + i].AsMemory(position, 1), states[i]);
            _session.Forward(segments, LogitRows.Last, logits, cancellation);
            int next = position + 1, bad = logits.AsSpan().IndexOfAnyExceptInRange(float.MinValue, float.MaxValue);
            if (bad >= 0)
                throw NotFiniteTrace.Explain(_model, texts[first + bad / vocabulary][..next], "in a text that it writes",
                    workers: _session.Workers);
            _session.Workers.For(count, i =>
            {
                Span<float> row = logits.AsSpan(i * vocabulary, vocabulary);
                foreach (int end in _model.Config.EndTokens)
                    row[end] = float.NegativeInfinity;
                texts[first + i][next] = samplers[i].Next(row);
            });
        }
    }

    /// <summary>A text that is being continued.</summary>
    private sealed record Continuation(ReadOnlyMemory<int> Prompt, Sampler Sampler, int MaxTokens, HashSet<int> StopTokens);
}
