using Vernier.Inference.Configuration;

namespace Vernier.Inference.Passes;

/// <summary>
/// What a sequence has behind it, for every layer: what makes the next token cost one token's work. For attention that is the keys and
/// values of its tokens, the "KV cache", which grows by chunks of 64 tokens without copying.
/// </summary>
/// <remarks>
/// A state takes tokens of one sequence and belongs to models of a configuration of the same content. It is not safe for concurrent use.
/// </remarks>
public sealed class SequenceState
{
    private readonly LayerState?[] _layers;

    /// <summary>Makes the state of an empty sequence.</summary>
    /// <param name="config">The model's configuration.</param>
    /// <param name="layers">What each layer keeps; null for one that keeps nothing.</param>
    /// <param name="maxLength">
    /// The most tokens it will ever hold, at least 1; 0, the default, means the model's longest context. No memory is taken
    /// before it is needed. For a model with LongRoPE the number decides between the frequencies for short and for long
    /// contexts: give what the sequence will need, not the most the model can do.
    /// </param>
    /// <param name="precision">What keys and values are kept in; single precision by default.</param>
    public SequenceState(ModelConfig config, IReadOnlyList<LayerStateShape?> layers, int maxLength = 0,
        CachePrecision precision = CachePrecision.Single)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(layers);
        ArgumentOutOfRangeException.ThrowIfNegative(maxLength);
        Identity = config.Identity;
        MaxLength = maxLength == 0 ? config.MaxPositions : maxLength;
        _layers = [.. layers.Select(layer => layer?.Create(precision))];
    }

    /// <summary>The number of tokens held.</summary>
    public int Length { get; private set; }

    /// <summary>The most tokens it can hold.</summary>
    public int MaxLength { get; }

    /// <summary>The content of the configuration it was made for: <see cref="ModelConfig.Identity"/>.</summary>
    internal string Identity { get; }

    /// <summary>The bytes that so many tokens take; memory is taken for 64 of them at a time.</summary>
    /// <param name="tokens">At least 0.</param>
    public long BytesFor(int tokens)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        return _layers.Sum(layer => layer?.BytesFor(tokens) ?? 0);
    }

    /// <summary>Forgets all tokens but the first; their memory stays for those to come.</summary>
    /// <param name="length">How many are kept, 0 to <see cref="Length"/>.</param>
    /// <exception cref="InvalidOperationException">A layer can't go back so far: its state is a sum over all tokens.</exception>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        if (Array.Exists(_layers, layer => layer is not null && !layer.CanTruncate(length)))
            throw new InvalidOperationException($"a layer of the model can't go back from {Length} tokens to {length}; make a new state");
        foreach (LayerState? layer in _layers)
            layer?.Truncate(length);
        Length = length;
    }

    internal LayerState Layer(int layer) =>
        _layers[layer] ?? throw new InvalidOperationException($"layer {layer} keeps nothing of a sequence");

    internal void Commit(int length)
    {
        foreach (LayerState? layer in _layers)
            layer?.Commit(length);
        Length = length;
    }
}
