using System.Numerics;
using System.Numerics.Tensors;

namespace Vernier.Inference.Parts.Attention;

/// <summary>
/// Keys and values in 8 bits: for each position and head s = max |x| / 127 and the integers round(x / s), ties to even, so that x is about
/// s q.
/// A quarter of the memory, and of what attention reads of it.
/// </summary>
internal sealed class Int8LayerCache(int heads, int headSize) : LayerCache(heads, headSize)
{
    private readonly List<Chunk8> _keys = [];
    private readonly List<Chunk8> _values = [];

    public override int ScratchLength => ChunkLength * ValueStride;

    protected override int ChunkBytes => Heads * (HeadSize + ValueStride + 2 * sizeof(float)) * ChunkLength;

    public override void Reserve(int length)
    {
        while ((long)_keys.Count * ChunkLength < length)
        {
            _keys.Add(new Chunk8(Heads, HeadSize));
            _values.Add(new Chunk8(Heads, ValueStride));
        }
    }

    public override ReadOnlySpan<float> Keys(int chunk, int head, Span<float> scratch)
    {
        Chunk8 source = _keys[chunk];
        ReadOnlySpan<float> scales = source.Scales.AsSpan(head * ChunkLength, ChunkLength);
        Span<float> keys = scratch[..(HeadSize * ChunkLength)];
        Widen(source.Integers.AsSpan(head * HeadSize * ChunkLength, keys.Length), keys);
        for (int coordinate = 0; coordinate < HeadSize; coordinate++)
        {
            Span<float> row = keys.Slice(coordinate * ChunkLength, ChunkLength);
            TensorPrimitives.Multiply(row, scales, row);
        }
        return keys;
    }

    public override ReadOnlySpan<float> Values(int chunk, int head, Span<float> scratch)
    {
        Chunk8 source = _values[chunk];
        Span<float> values = scratch[..(ValueStride * ChunkLength)];
        Widen(source.Integers.AsSpan(head * ValueStride * ChunkLength, values.Length), values);
        for (int place = 0; place < ChunkLength; place++)
        {
            Span<float> row = values.Slice(place * ValueStride, ValueStride);
            TensorPrimitives.Multiply(row, source.Scales[head * ChunkLength + place], row);
        }
        return values;
    }

    public override void Write(int position, ReadOnlySpan<float> keys, ReadOnlySpan<float> values)
    {
        (int chunk, int place) = Math.DivRem(position, ChunkLength);
        Chunk8 keyChunk = _keys[chunk], valueChunk = _values[chunk];
        for (int head = 0; head < Heads; head++)
        {
            int at = head * ChunkLength + place;
            ReadOnlySpan<float> key = keys.Slice(head * HeadSize, HeadSize), value = values.Slice(head * HeadSize, HeadSize);
            (keyChunk.Scales[at], float inverse) = Scale(key);
            for (int i = 0; i < HeadSize; i++)
                keyChunk.Integers[(head * HeadSize + i) * ChunkLength + place] = Round(key[i], inverse);
            (valueChunk.Scales[at], inverse) = Scale(value);
            for (int i = 0; i < HeadSize; i++)
                valueChunk.Integers[at * ValueStride + i] = Round(value[i], inverse);
        }
    }

    // What is not finite makes the scale NaN, and with it all that attends to the position.
    private static (float Scale, float Inverse) Scale(ReadOnlySpan<float> x)
    {
        float largest = Math.Abs(TensorPrimitives.MaxMagnitude(x)), inverse = 127 / largest;
        return !float.IsFinite(largest) ? (float.NaN, 0) : float.IsFinite(inverse) ? (largest / 127, inverse) : (0, 0);
    }

    private static sbyte Round(float x, float inverse) => inverse == 0 ? (sbyte)0 : (sbyte)MathF.Round(x * inverse);

    private static void Widen(ReadOnlySpan<sbyte> source, Span<float> destination)
    {
        int i = 0, lanes = Vector<float>.Count;
        for (; i <= source.Length - Vector<sbyte>.Count; i += Vector<sbyte>.Count)
        {
            Vector.Widen(new Vector<sbyte>(source[i..]), out Vector<short> low, out Vector<short> high);
            Store(low, destination[i..]);
            Store(high, destination[(i + 2 * lanes)..]);
        }
        for (; i < source.Length; i++)
            destination[i] = source[i];

        static void Store(Vector<short> shorts, Span<float> destination)
        {
            Vector.Widen(shorts, out Vector<int> low, out Vector<int> high);
            Vector.ConvertToSingle(low).CopyTo(destination);
            Vector.ConvertToSingle(high).CopyTo(destination[Vector<float>.Count..]);
        }
    }

    /// <summary>A chunk of keys or values.</summary>
    private readonly struct Chunk8(int heads, int width)
    {
        public sbyte[] Integers { get; } = new sbyte[heads * width * ChunkLength];

        /// <summary>[head][position in chunk].</summary>
        public float[] Scales { get; } = new float[heads * ChunkLength];
    }
}
