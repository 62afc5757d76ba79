using Vernier.Inference.Passes;

namespace Vernier.Inference.Parts.Attention;

/// <summary>
/// The keys and values of one layer and one sequence, in chunks of <see cref="ChunkLength"/> positions. Keys lie transposed,
/// [head][coordinate][position in chunk], so that the scores of many positions are one multiply-add each; values lie
/// [head][position in chunk][coordinate], a row padded with zeros to <see cref="ValueStride"/>.
/// </summary>
internal abstract class LayerCache(int heads, int headSize) : LayerState
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
    protected abstract int ChunkBytes { get; }

    /// <inheritdoc/>
    public override long BytesFor(int tokens) => (long)ChunkBytes * ((tokens + ChunkLength - 1) / ChunkLength);

    /// <inheritdoc/>
    public override bool CanTruncate(int tokens) => true;

    /// <summary>Does nothing: what is behind the last token is never read, and is written anew.</summary>
    public override void Truncate(int tokens)
    {
    }

    /// <summary>The keys of a head in a chunk: headSize rows of <see cref="ChunkLength"/>, in the scratch memory where they are not stored
    /// so.</summary>
    public abstract ReadOnlySpan<float> Keys(int chunk, int head, Span<float> scratch);

    /// <summary>The values of a head in a chunk: <see cref="ChunkLength"/> rows of <see cref="ValueStride"/>, as
    /// <see cref="Keys"/>.</summary>
    public abstract ReadOnlySpan<float> Values(int chunk, int head, Span<float> scratch);

    /// <summary>Stores the keys and values of all heads, each heads x headSize, at a reserved position.</summary>
    public abstract void Write(int position, ReadOnlySpan<float> keys, ReadOnlySpan<float> values);
}
