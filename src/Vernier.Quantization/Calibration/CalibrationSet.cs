using Vernier.Inference;
using Vernier.Inference.Sampling;
using Vernier.Numerics;

namespace Vernier.Quantization.Calibration;

/// <summary>The token sequences on which the inputs of the layers are observed.</summary>
public sealed class CalibrationSet
{
    /// <summary>The default number of sequences.</summary>
    public const int DefaultSequences = 128;

    /// <summary>The default length of a sequence in tokens.</summary>
    public const int DefaultLength = 256;

    /// <summary>Makes a set of sequences.</summary>
    /// <param name="sequences">The sequences, at least one, all of one length, each from position 0; kept, not copied.</param>
    /// <param name="origin">Where they are from, for people.</param>
    /// <exception cref="ArgumentException">There is no sequence, or they differ in length.</exception>
    public CalibrationSet(IReadOnlyList<int[]> sequences, string origin)
    {
        ArgumentNullException.ThrowIfNull(sequences);
        if (sequences.Count == 0 || sequences[0].Length == 0 || sequences.Any(tokens => tokens.Length != sequences[0].Length))
            throw new ArgumentException("calibration takes at least one sequence of tokens, all of one length", nameof(sequences));
        (Sequences, Origin) = (sequences, origin);
    }

    /// <summary>The sequences, all of one length, each from position 0.</summary>
    public IReadOnlyList<int[]> Sequences { get; }

    /// <summary>Where they are from, for people.</summary>
    public string Origin { get; }

    /// <summary>The tokens of a sequence.</summary>
    public int Length => Sequences[0].Length;

    /// <summary>
    /// Sequences that do not overlap, spread evenly over a text: the i-th of n begins at token floor(i (T - L) / (n - 1)), with T tokens of
    /// text and L of each sequence. Where the model has a begin-of-text token, each sequence is that token and L - 1 of the text.
    /// </summary>
    /// <param name="tokens">The text.</param>
    /// <param name="count">The most sequences, at least 1; fewer are made where the text is too short for them.</param>
    /// <param name="length">The tokens of a sequence, at least 2.</param>
    /// <param name="begin">The model's begin-of-text token, if it has one.</param>
    /// <param name="name">What the text is called.</param>
    /// <exception cref="ArgumentException">The text is shorter than one sequence.</exception>
    public static CalibrationSet Cut(ReadOnlySpan<int> tokens, int count, int length, int? begin, string name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 2);
        int taken = begin is null ? length : length - 1;
        if (tokens.Length < taken)
            throw new ArgumentException($"the text has {tokens.Length} tokens, and one sequence takes {taken}", nameof(tokens));
        count = Math.Min(count, tokens.Length / taken);
        var sequences = new int[count][];
        for (int i = 0; i < count; i++)
        {
            int first = count == 1 ? 0 : (int)((long)i * (tokens.Length - taken) / (count - 1));
            ReadOnlySpan<int> text = tokens.Slice(first, taken);
            sequences[i] = begin is int token ? [token, .. text] : text.ToArray();
        }
        return new CalibrationSet(sequences, $"{count} sequences of {length} tokens of {name}");
    }

    /// <summary>Sequences that the model writes itself, at temperature 1.</summary>
    /// <param name="model">The model.</param>
    /// <param name="count">The number of sequences, at least 1.</param>
    /// <param name="length">The tokens of a sequence, at least 2; cut to the model's context.</param>
    /// <param name="seed">What the random numbers start from.</param>
    /// <param name="workers">Who computes; null, the default, for all processors.</param>
    /// <param name="cancellation">Stops between two tokens.</param>
    /// <exception cref="OperationCanceledException">The writing was cancelled.</exception>
    public static CalibrationSet WrittenBy(LanguageModel model, int count = DefaultSequences, int length = DefaultLength,
        ulong seed = 1, Workers? workers = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 2);
        length = Math.Min(length, model.Config.MaxPositions);
        int first = model.Config.BeginToken ?? (model.Config.EndTokens is [int end, ..] ? end : 0);
        int[][] texts = new Generator(model.CreateSession(workers)).Sample(count, length, new SamplingOptions { Temperature = 1, Seed = seed }, firstToken: first, cancellation: cancellation);
        return new CalibrationSet(texts, $"{count} sequences of {length} tokens that the model wrote itself, seed {seed}");
    }
}
