namespace Vernier.Inference;

/// <summary>
/// The keys and values of one layer and one sequence, in chunks of <see cref="ChunkLength"/> positions. Keys lie transposed,
/// [head][coordinate][position in chunk], so that the scores of many positions are one multiply-add each; values lie
/// [head][position in chunk][coordinate], a row padded with zeros to <see cref="ValueStride"/>.
/// </summary>
internal sealed class LayerCache(int heads, int headSize)
{
    /// <summary>Positions in a chunk; a multiple of every register width.</summary>
    public const int ChunkLength = 64;

    private readonly List<float[]> _keys = [];
    private readonly List<float[]> _values = [];

    /// <summary>The distance of two value rows: the head size rounded up to 16.</summary>
    public int ValueStride { get; } = (headSize + 15) & ~15;

    /// <summary>Allocates what positions 0 .. length - 1 need. Chunks that are there stay where they are.</summary>
    public void Reserve(int length)
    {
        while ((long)_keys.Count * ChunkLength < length)
        {
            _keys.Add(new float[heads * headSize * ChunkLength]);
            _values.Add(new float[heads * ValueStride * ChunkLength]);
        }
    }

    /// <summary>The keys of a head in a chunk: headSize rows of <see cref="ChunkLength"/>.</summary>
    public ReadOnlySpan<float> Keys(int chunk, int head) =>
        _keys[chunk].AsSpan(head * headSize * ChunkLength, headSize * ChunkLength);

    /// <summary>The values of a head in a chunk: <see cref="ChunkLength"/> rows of <see cref="ValueStride"/>.</summary>
    public ReadOnlySpan<float> Values(int chunk, int head) =>
        _values[chunk].AsSpan(head * ValueStride * ChunkLength, ValueStride * ChunkLength);

    /// <summary>Stores the keys and values of all heads, each heads x headSize, at a reserved position.</summary>
    public void Write(int position, ReadOnlySpan<float> keys, ReadOnlySpan<float> values)
    {
        (int chunk, int place) = Math.DivRem(position, ChunkLength);
        float[] keyChunk = _keys[chunk], valueChunk = _values[chunk];
        for (int i = 0; i < heads * headSize; i++)
            keyChunk[i * ChunkLength + place] = keys[i];
        for (int head = 0; head < heads; head++)
            values.Slice(head * headSize, headSize).CopyTo(valueChunk.AsSpan((head * ChunkLength + place) * ValueStride));
    }
}
