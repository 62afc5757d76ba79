namespace Vernier.Inference.Parts.Attention;

/// <summary>Keys and values in single precision.</summary>
internal sealed class FloatLayerCache(int heads, int headSize) : LayerCache(heads, headSize)
{
    private readonly List<float[]> _keys = [];
    private readonly List<float[]> _values = [];

    public override int ScratchLength => 0;

    protected override int ChunkBytes => 4 * Heads * (HeadSize + ValueStride) * ChunkLength;

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
