using System.Runtime.InteropServices;

namespace Vernier.Inference.Sampling;

/// <summary>
/// Draws tokens from logits. The random numbers are xoshiro256**, seeded by the options and a stream number; they are the
/// same on every platform. Not safe for concurrent use.
/// </summary>
public sealed class Sampler
{
    private readonly SamplingOptions _options;
    private readonly Xoshiro256 _random;
    private Candidate[] _candidates = [];

    /// <summary>Makes a sampler.</summary>
    /// <param name="options">How tokens are drawn.</param>
    /// <param name="stream">Which of the independent random sequences of the seed: one for each text that is written.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option lies outside its range.</exception>
    public Sampler(SamplingOptions options, int stream = 0)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegative(stream);
        options.Validate();
        _options = options;
        _random = new Xoshiro256(options.Seed, (ulong)stream);
    }

    /// <summary>Draws a token.</summary>
    /// <param name="logits">A logit for each token; negative infinity rules a token out.</param>
    /// <exception cref="ArgumentException">A logit is NaN or positive infinity, or all tokens are ruled out.</exception>
    public int Next(ReadOnlySpan<float> logits)
    {
        int best = IndexOfMax(logits);
        if (_options.Temperature == 0)
            return best;
        double maximum = logits[best];
        ReadOnlySpan<Candidate> kept = Keep(logits, maximum);
        double total = 0;
        foreach (Candidate candidate in kept)
            total += candidate.Weight;
        double target = _random.NextDouble() * total;
        foreach (Candidate candidate in kept)
        {
            target -= candidate.Weight;
            if (target < 0)
                return candidate.Token;
        }
        return best;
    }

    /// <summary>What the filters leave, with weights exp((logit - maximum) / T).</summary>
    internal ReadOnlySpan<Candidate> Keep(ReadOnlySpan<float> logits, double maximum)
    {
        if (_candidates.Length < logits.Length)
            _candidates = new Candidate[logits.Length];
        Span<Candidate> kept = _options.TopK > 0 && _options.TopK < logits.Length
            ? KeepTopK(logits, maximum)
            : KeepAll(logits, maximum);
        if (_options.TopP < 1)
            kept = KeepTopP(kept);
        return _options.MinP > 0 ? KeepMinP(kept) : kept;
    }

    private Span<Candidate> KeepAll(ReadOnlySpan<float> logits, double maximum)
    {
        for (int token = 0; token < logits.Length; token++)
            _candidates[token] = new Candidate(token, Weight(logits[token], maximum));
        return _candidates.AsSpan(0, logits.Length);
    }

    /// <summary>A heap of the k best so far, the worst of them on top: of equal logits the higher token is the worse.</summary>
    private Span<Candidate> KeepTopK(ReadOnlySpan<float> logits, double maximum)
    {
        int k = _options.TopK;
        var heap = new PriorityQueue<int, (float Logit, int Order)>(k);
        for (int token = 0; token < logits.Length; token++)
        {
            if (heap.Count < k)
                heap.Enqueue(token, (logits[token], -token));
            else if (heap.TryPeek(out _, out (float Logit, int Order) worst) && logits[token] > worst.Logit)
                heap.EnqueueDequeue(token, (logits[token], -token));
        }
        for (int i = 0; i < k; i++)
        {
            int token = heap.Dequeue();
            _candidates[i] = new Candidate(token, Weight(logits[token], maximum));
        }
        return _candidates.AsSpan(0, k);
    }

    /// <summary>
    /// The tokens below a share of (1 - p) / n have less than 1 - p together, so the nucleus lies in the others and only
    /// those are sorted.
    /// </summary>
    private Span<Candidate> KeepTopP(Span<Candidate> candidates)
    {
        double total = 0;
        foreach (Candidate candidate in candidates)
            total += candidate.Weight;
        double bound = total * (1 - _options.TopP) / candidates.Length;
        int count = 0;
        foreach (Candidate candidate in candidates)
        {
            if (candidate.Weight >= bound)
                candidates[count++] = candidate;
        }
        candidates = candidates[..count];
        candidates.Sort();
        double mass = 0, needed = total * _options.TopP;
        for (int i = 0; i < candidates.Length; i++)
        {
            mass += candidates[i].Weight;
            if (mass >= needed)
                return candidates[..(i + 1)];
        }
        return candidates;
    }

    /// <summary>The most probable token has weight 1, and no filter before has dropped it.</summary>
    private Span<Candidate> KeepMinP(Span<Candidate> candidates)
    {
        int count = 0;
        foreach (Candidate candidate in candidates)
        {
            if (candidate.Weight >= _options.MinP)
                candidates[count++] = candidate;
        }
        return candidates[..count];
    }

    private double Weight(float logit, double maximum) => Math.Exp((logit - maximum) / _options.Temperature);

    private static int IndexOfMax(ReadOnlySpan<float> logits)
    {
        int best = -1;
        float maximum = float.NegativeInfinity;
        for (int token = 0; token < logits.Length; token++)
        {
            float logit = logits[token];
            if (float.IsNaN(logit) || float.IsPositiveInfinity(logit))
                throw new ArgumentException($"the logit of token {token} is {logit}: the network's weights or its inputs are broken",
                    nameof(logits));
            if (logit > maximum)
                (best, maximum) = (token, logit);
        }
        return best >= 0 ? best : throw new ArgumentException("every token is ruled out", nameof(logits));
    }

    /// <summary>A token that may be drawn. Sorts by falling weight, then rising token.</summary>
    [StructLayout(LayoutKind.Auto)]
    internal readonly record struct Candidate(int Token, double Weight) : IComparable<Candidate>
    {
        public int CompareTo(Candidate other)
        {
            int order = other.Weight.CompareTo(Weight);
            return order != 0 ? order : Token.CompareTo(other.Token);
        }
    }
}
