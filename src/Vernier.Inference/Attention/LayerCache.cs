namespace Vernier.Inference;

/// <summary>
/// The keys and values of one layer and one sequence, in chunks of <see cref="ChunkLength"/> positions. Keys lie transposed,
/// [head][coordinate][position in chunk], so that the scores of many positions are one multiply-add each; values lie
/// [head][position in chunk][coordinate], a row padded with zeros to <see cref="ValueStride"/>.
/// </summary>
internal abstract class LayerCache(int heads, int headSize)
{
    /// <summary>Positions in a chunk; a multiple of every register width.</summary>
    public const int ChunkLength = 64;

    /// <summary>The key and value heads.</summary>
    public int Heads => heads;

    /// <summary>The coordinates of a head.</summary>
    public int HeadSize => headSize;

    /// <summary>The distance of two value rows: the head size rounded up to 16.</summary>
    public int ValueStride { get; } = (headSize + 15) & ~15;

    /// <summary>The numbers that <see cref="Keys"/> and <see cref="Values"/> need room for.</summary>
    public abstract int ScratchLength { get; }

    /// <summary>The bytes of a chunk of all heads.</summary>
    public abstract int ChunkBytes { get; }

    /// <summary>Makes an empty store.</summary>
    public static LayerCache Create(int heads, int headSize, CachePrecision precision) =>
        precision == CachePrecision.Int8 ? new Int8LayerCache(heads, headSize) : new FloatLayerCache(heads, headSize);

    /// <summary>Allocates what positions 0 .. length - 1 need. Chunks that are there stay where they are.</summary>
    public abstract void Reserve(int length);

    /// <summary>The keys of a head in a chunk: headSize rows of <see cref="ChunkLength"/>, in the scratch memory where they are not stored so.</summary>
    public abstract ReadOnlySpan<float> Keys(int chunk, int head, Span<float> scratch);

    /// <summary>The values of a head in a chunk: <see cref="ChunkLength"/> rows of <see cref="ValueStride"/>, as <see cref="Keys"/>.</summary>
    public abstract ReadOnlySpan<float> Values(int chunk, int head, Span<float> scratch);

    /// <summary>Stores the keys and values of all heads, each heads x headSize, at a reserved position.</summary>
    public abstract void Write(int position, ReadOnlySpan<float> keys, ReadOnlySpan<float> values);
}

/// <summary>Keys and values in single precision.</summary>
internal sealed class FloatLayerCache(int heads, int headSize) : LayerCache(heads, headSize)
{
    private readonly List<float[]> _keys = [];
    private readonly List<float[]> _values = [];

    public override int ScratchLength => 0;

    public override int ChunkBytes => 4 * Heads * (HeadSize + ValueStride) * ChunkLength;

    public override void Reserve(int length)
    {
        while ((long)_keys.Count * ChunkLength < length)
        {
            _keys.Add(new float[Heads * HeadSize * ChunkLength]);
            _values.Add(new float[Heads * ValueStride * ChunkLength]);
        }
    }

    public override ReadOnlySpan<float> Keys(int chunk, int head, Span<float> scratch) =>
        _keys[chunk].AsSpan(head * HeadSize * ChunkLength, HeadSize * ChunkLength);

    public override ReadOnlySpan<float> Values(int chunk, int head, Span<float> scratch) =>
        _values[chunk].AsSpan(head * ValueStride * ChunkLength, ValueStride * ChunkLength);

    public override void Write(int position, ReadOnlySpan<float> keys, ReadOnlySpan<float> values)
    {
        (int chunk, int place) = Math.DivRem(position, ChunkLength);
        float[] keyChunk = _keys[chunk], valueChunk = _values[chunk];
        for (int i = 0; i < Heads * HeadSize; i++)
            keyChunk[i * ChunkLength + place] = keys[i];
        for (int head = 0; head < Heads; head++)
            values.Slice(head * HeadSize, HeadSize).CopyTo(valueChunk.AsSpan((head * ChunkLength + place) * ValueStride));
    }
}
