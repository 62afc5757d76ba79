using Vernier.Inference.Passes;

namespace Vernier.Inference.Parts.Attention;

/// <summary>The heads of an attention.</summary>
/// <param name="Heads">The query heads, at least 1.</param>
/// <param name="KeyValueHeads">The key and value heads, which divide the query heads: consecutive query heads share one (Ainslie et al.,
/// 2023).</param>
/// <param name="HeadSize">The coordinates of a head, at least 2.</param>
/// <param name="Window">The tokens that a query sees, its own included; null for all before it.</param>
public sealed record AttentionShape(int Heads, int KeyValueHeads, int HeadSize, int? Window = null)
{
    /// <summary>A query sees no token before the multiple of this at or before its position; null, the default, for all.</summary>
    public int? Chunk { get; init; }

    /// <summary>The first position that a query at a position sees.</summary>
    public int FirstSeen(int position) => Math.Max(Window is int window ? Math.Max(0, position - window + 1) : 0,
        Chunk is int chunk ? position / chunk * chunk : 0);

    /// <summary>The width of all query heads.</summary>
    public int QueryWidth => Heads * HeadSize;

    /// <summary>The width of all key heads, and of all value heads.</summary>
    public int KeyWidth => KeyValueHeads * HeadSize;
}

/// <summary>Keys and values: what attention keeps of a sequence.</summary>
/// <param name="Heads">The key and value heads.</param>
/// <param name="HeadSize">The coordinates of a head.</param>
public sealed record KeyValueShape(int Heads, int HeadSize) : LayerStateShape
{
    /// <inheritdoc/>
    public override LayerState Create(CachePrecision precision) =>
        precision == CachePrecision.Int8 ? new Int8LayerCache(Heads, HeadSize) : new FloatLayerCache(Heads, HeadSize);
}
