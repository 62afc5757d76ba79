namespace Vernier.Inference;

/// <summary>What keys and values are kept in.</summary>
public enum CachePrecision
{
    /// <summary>Single precision: attention is exact.</summary>
    Single,

    /// <summary>8 bits with a scale for each position and head: a quarter of the memory.</summary>
    Int8,
}

/// <summary>
/// The keys and values of the tokens that a sequence has behind it, for every layer: what makes the next token cost one
/// token's work. It grows by chunks of 64 tokens without copying.
/// </summary>
/// <remarks>
/// A cache takes tokens of one sequence and belongs to models of the configuration it was made for. It is not safe for
/// concurrent use.
/// </remarks>
public sealed class KvCache
{
    private readonly LayerCache[] _layers;

    /// <summary>Makes an empty cache.</summary>
    /// <param name="config">The model's configuration.</param>
    /// <param name="maxLength">
    /// The most tokens it will ever hold, at least 1; 0, the default, means the model's longest context. No memory is taken
    /// before it is needed. For a model with LongRoPE the number decides between the frequencies for short and for long
    /// contexts: give what the sequence will need, not the most the model can do.
    /// </param>
    /// <param name="precision">What keys and values are kept in; single precision by default.</param>
    public KvCache(ModelConfig config, int maxLength = 0, CachePrecision precision = CachePrecision.Single)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentOutOfRangeException.ThrowIfNegative(maxLength);
        Config = config;
        MaxLength = maxLength == 0 ? config.MaxPositions : maxLength;
        _layers = new LayerCache[config.LayerCount];
        for (int layer = 0; layer < _layers.Length; layer++)
            _layers[layer] = LayerCache.Create(config.KeyValueHeadCount, config.HeadSize, precision);
    }

    /// <summary>The configuration of the model.</summary>
    public ModelConfig Config { get; }

    /// <summary>The number of tokens held.</summary>
    public int Length { get; internal set; }

    /// <summary>The most tokens it can hold.</summary>
    public int MaxLength { get; }

    /// <summary>The bytes that 64 more tokens take, the unit in which it grows.</summary>
    public long ChunkBytes => _layers.Sum(layer => (long)layer.ChunkBytes);

    /// <summary>Forgets all tokens but the first; their memory stays for those to come.</summary>
    /// <param name="length">How many are kept, 0 to <see cref="Length"/>.</param>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        Length = length;
    }

    internal LayerCache Layer(int layer) => _layers[layer];
}
