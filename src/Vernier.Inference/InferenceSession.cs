using Vernier.Inference.Configuration;
using Vernier.Inference.Passes;
using Vernier.Inference.Weights;
using Vernier.Numerics;

namespace Vernier.Inference;

/// <summary>
/// Runs passes of a model: it owns the working memory of a pass, and makes the states of sequences.
/// </summary>
/// <remarks>
/// One forward pass takes any number of sequences; all their rows go through each linear layer together. A session is not safe for
/// concurrent use, but any number of sessions can run a model at the same time, and a sequence can go on in another session.
/// </remarks>
public sealed class InferenceSession
{
    private readonly ForwardContext _context;

    /// <summary>Begins a session.</summary>
    /// <param name="model">The model.</param>
    /// <param name="workers">The threads that work; null, the default, for <see cref="Workers.Shared"/>.</param>
    /// <param name="precision">What its states keep keys and values in; single precision by default.</param>
    public InferenceSession(LanguageModel model, Workers? workers = null, CachePrecision precision = CachePrecision.Single)
    {
        ArgumentNullException.ThrowIfNull(model);
        (Model, Precision) = (model, precision);
        _context = new ForwardContext(model.Config, workers);
    }

    /// <summary>The model.</summary>
    public LanguageModel Model { get; }

    /// <summary>The threads that work.</summary>
    public Workers Workers => _context.Workers;

    /// <summary>What its states keep keys and values in.</summary>
    public CachePrecision Precision { get; }

    private ModelConfig Config => Model.Config;

    /// <summary>Makes the state of an empty sequence.</summary>
    /// <param name="maxLength">
    /// The most tokens it will ever hold, at least 1; 0, the default, means the model's longest context. No memory is taken
    /// before it is needed. For a model with LongRoPE the number decides between the frequencies for short and for long
    /// contexts: give what the sequence will need, not the most the model can do.
    /// </param>
    public SequenceState CreateState(int maxLength = 0) =>
        new(Config, [.. Model.Blocks.Select(block => block.State)], maxLength, Precision);

    /// <summary>Runs a pass and writes the logits.</summary>
    /// <param name="segments">The new tokens of each sequence.</param>
    /// <param name="rows">Whether every token gets logits or only the last of each segment.</param>
    /// <param name="logits">Receives rows x vocabulary: at least as long.</param>
    /// <param name="cancellation">Gives the pass up between two parts of a block; the sequences stay as they were.</param>
    /// <exception cref="ArgumentException">A token is not in the vocabulary, or a segment breaks a rule of
    /// <see cref="ForwardContext.Begin"/>.</exception>
    /// <exception cref="OperationCanceledException">The pass was given up.</exception>
    public void Forward(ReadOnlySpan<Segment> segments, LogitRows rows, Span<float> logits, CancellationToken cancellation = default)
    {
        int count = CountRows(segments, rows);
        ArgumentOutOfRangeException.ThrowIfLessThan(logits.Length, (long)count * Config.VocabularySize, nameof(logits));
        Model.Head.Apply(Hidden(segments, rows, cancellation), logits[..(count * Config.VocabularySize)], count, Workers);
    }

    /// <summary>Runs a pass and returns the logits in memory of the session, rows x vocabulary, valid until the next pass.</summary>
    /// <inheritdoc cref="Forward(ReadOnlySpan{Segment}, LogitRows, Span{float}, CancellationToken)"/>
    public ReadOnlySpan<float> Forward(ReadOnlySpan<Segment> segments, LogitRows rows, CancellationToken cancellation = default)
    {
        int count = CountRows(segments, rows);
        Span<float> logits = _context.Buffers.Logits(count, Config.VocabularySize).AsSpan(0, count * Config.VocabularySize);
        Model.Head.Apply(Hidden(segments, rows, cancellation), logits, count, Workers);
        return logits;
    }

    /// <summary>
    /// Runs a pass up to the last norm and returns its rows, rows x hidden size, valid until the next pass. With
    /// <see cref="LanguageModel.Head"/> a caller then gets the logits of as many rows at a time as it has room for.
    /// </summary>
    /// <inheritdoc cref="Forward(ReadOnlySpan{Segment}, LogitRows, Span{float}, CancellationToken)"/>
    public ReadOnlySpan<float> Hidden(ReadOnlySpan<Segment> segments, LogitRows rows, CancellationToken cancellation = default)
    {
        CheckTokens(segments);
        _context.Begin(segments, cancellation);
        int width = Config.HiddenSize;
        float[] hidden = _context.Buffers.Hidden(_context.Rows, width);
        for (int i = 0, first = 0; i < segments.Length; i++)
        {
            ReadOnlyMemory<int> tokens = segments[i].Tokens;
            RowMath.ForRows(Workers, tokens.Length, width,
                new LookupWork { Embedding = Model.Embedding, Tokens = tokens, Hidden = hidden, First = first,
                    Position = _context.Place(i).Position });
            first += tokens.Length;
        }
        for (int layer = 0; layer < Model.Blocks.Count; layer++)
            Model.Blocks[layer].Forward(hidden, _context);
        _context.Commit();
        int count = rows == LogitRows.All ? _context.Rows : _context.SegmentCount;
        float[] normed = _context.Buffers.Normed(count, width);
        RowMath.ForRows(Workers, count, width, new NormWork { Session = this, Hidden = hidden, Normed = normed, Rows = rows });
        return normed.AsSpan(0, count * width);
    }

    private static int CountRows(ReadOnlySpan<Segment> segments, LogitRows rows)
    {
        if (rows == LogitRows.Last)
            return segments.Length;
        int count = 0;
        foreach (Segment segment in segments)
            count = checked(count + segment.Tokens.Length);
        return count;
    }

    private void CheckTokens(ReadOnlySpan<Segment> segments)
    {
        for (int i = 0; i < segments.Length; i++)
        {
            foreach (int token in segments[i].Tokens.Span)
            {
                if ((uint)token >= (uint)Config.VocabularySize)
                    throw new ArgumentException($"token {token} of segment {i} is not in the vocabulary of {Config.VocabularySize}",
                        nameof(segments));
            }
        }
    }

    private struct LookupWork : ITeamWork
    {
        public IEmbedding Embedding;
        public ReadOnlyMemory<int> Tokens;
        public float[] Hidden;
        public int First, Position;

        public readonly void Invoke(int index) =>
            Embedding.Lookup(Tokens.Span[index], Position + index, Hidden.AsSpan((First + index) * Embedding.Width, Embedding.Width));
    }

    private struct NormWork : ITeamWork
    {
        public InferenceSession Session;
        public float[] Hidden, Normed;
        public LogitRows Rows;

        public readonly void Invoke(int index)
        {
            int width = Session.Config.HiddenSize, source = Rows == LogitRows.All ? index : Session._context.LastRow(index);
            Session.Model.FinalNorm.Apply(Hidden.AsSpan(source * width, width), Normed.AsSpan(index * width, width));
        }
    }
}
