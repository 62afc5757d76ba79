namespace Vernier.Kernels;

/// <summary>Where the arrays of <see cref="QuantizedRows"/> lie.</summary>
internal readonly unsafe struct RowsView(int* values, float* scales, int* sums, long tileQuads, int tileSegments)
{
    public int* Values { get; } = values;

    public float* Scales { get; } = scales;

    public int* Sums { get; } = sums;

    public long TileQuads { get; } = tileQuads;

    public int TileSegments { get; } = tileSegments;

    /// <summary>One of several tiles of one token.</summary>
    public RowsView Token(int token) => new(Values + token * TileQuads, Scales + token * TileSegments, Sums + token * TileSegments,
        TileQuads, TileSegments);
}
