namespace Vernier.Numerics;

/// <summary>
/// A register tile of a matrix product: Rows x (2 V.Lanes) outputs, accumulated over k in ascending order.
/// Panels are packed: <c>a</c> holds, for each k, the tile's Rows values; <c>b</c> holds, for each k, its 2 V.Lanes values.
/// </summary>
internal unsafe interface IMatrixTile
{
    /// <summary>Rows of A that a tile covers.</summary>
    static abstract int Rows { get; }

    /// <summary>Columns of the result that a tile covers.</summary>
    static abstract int Columns { get; }

    /// <summary>c = a b, or c += a b if <paramref name="accumulate"/>; c has row stride <paramref name="stride"/>.</summary>
    static abstract void Multiply(float* a, float* b, float* c, int stride, int k, bool accumulate);
}

/// <summary>12 rows x 2 vectors: 24 accumulators, for machines with 32 vector registers.</summary>
internal readonly unsafe struct Tile12<V> : IMatrixTile
    where V : struct, ISimdVector<V>
{
    public static int Rows => 12;

    public static int Columns => 2 * V.Lanes;

    public static void Multiply(float* a, float* b, float* c, int stride, int k, bool accumulate)
    {
        V c00 = V.Zero, c01 = V.Zero, c10 = V.Zero, c11 = V.Zero, c20 = V.Zero, c21 = V.Zero;
        V c30 = V.Zero, c31 = V.Zero, c40 = V.Zero, c41 = V.Zero, c50 = V.Zero, c51 = V.Zero;
        V c60 = V.Zero, c61 = V.Zero, c70 = V.Zero, c71 = V.Zero, c80 = V.Zero, c81 = V.Zero;
        V c90 = V.Zero, c91 = V.Zero, ca0 = V.Zero, ca1 = V.Zero, cb0 = V.Zero, cb1 = V.Zero;
        float* end = a + 12L * k;
        while (a < end)
        {
            V b0 = V.Load(b), b1 = V.Load(b + V.Lanes);
            V x = V.Broadcast(a[0]);
            c00 = V.MultiplyAdd(x, b0, c00);
            c01 = V.MultiplyAdd(x, b1, c01);
            x = V.Broadcast(a[1]);
            c10 = V.MultiplyAdd(x, b0, c10);
            c11 = V.MultiplyAdd(x, b1, c11);
            x = V.Broadcast(a[2]);
            c20 = V.MultiplyAdd(x, b0, c20);
            c21 = V.MultiplyAdd(x, b1, c21);
            x = V.Broadcast(a[3]);
            c30 = V.MultiplyAdd(x, b0, c30);
            c31 = V.MultiplyAdd(x, b1, c31);
            x = V.Broadcast(a[4]);
            c40 = V.MultiplyAdd(x, b0, c40);
            c41 = V.MultiplyAdd(x, b1, c41);
            x = V.Broadcast(a[5]);
            c50 = V.MultiplyAdd(x, b0, c50);
            c51 = V.MultiplyAdd(x, b1, c51);
            x = V.Broadcast(a[6]);
            c60 = V.MultiplyAdd(x, b0, c60);
            c61 = V.MultiplyAdd(x, b1, c61);
            x = V.Broadcast(a[7]);
            c70 = V.MultiplyAdd(x, b0, c70);
            c71 = V.MultiplyAdd(x, b1, c71);
            x = V.Broadcast(a[8]);
            c80 = V.MultiplyAdd(x, b0, c80);
            c81 = V.MultiplyAdd(x, b1, c81);
            x = V.Broadcast(a[9]);
            c90 = V.MultiplyAdd(x, b0, c90);
            c91 = V.MultiplyAdd(x, b1, c91);
            x = V.Broadcast(a[10]);
            ca0 = V.MultiplyAdd(x, b0, ca0);
            ca1 = V.MultiplyAdd(x, b1, ca1);
            x = V.Broadcast(a[11]);
            cb0 = V.MultiplyAdd(x, b0, cb0);
            cb1 = V.MultiplyAdd(x, b1, cb1);
            a += 12;
            b += 2 * V.Lanes;
        }
        TileStore.Row(c, c00, c01, accumulate);
        TileStore.Row(c += stride, c10, c11, accumulate);
        TileStore.Row(c += stride, c20, c21, accumulate);
        TileStore.Row(c += stride, c30, c31, accumulate);
        TileStore.Row(c += stride, c40, c41, accumulate);
        TileStore.Row(c += stride, c50, c51, accumulate);
        TileStore.Row(c += stride, c60, c61, accumulate);
        TileStore.Row(c += stride, c70, c71, accumulate);
        TileStore.Row(c += stride, c80, c81, accumulate);
        TileStore.Row(c += stride, c90, c91, accumulate);
        TileStore.Row(c += stride, ca0, ca1, accumulate);
        TileStore.Row(c + stride, cb0, cb1, accumulate);
    }
}

/// <summary>6 rows x 2 vectors: 12 accumulators, for machines with 16 vector registers.</summary>
internal readonly unsafe struct Tile6<V> : IMatrixTile
    where V : struct, ISimdVector<V>
{
    public static int Rows => 6;

    public static int Columns => 2 * V.Lanes;

    public static void Multiply(float* a, float* b, float* c, int stride, int k, bool accumulate)
    {
        V c00 = V.Zero, c01 = V.Zero, c10 = V.Zero, c11 = V.Zero, c20 = V.Zero, c21 = V.Zero;
        V c30 = V.Zero, c31 = V.Zero, c40 = V.Zero, c41 = V.Zero, c50 = V.Zero, c51 = V.Zero;
        float* end = a + 6L * k;
        while (a < end)
        {
            V b0 = V.Load(b), b1 = V.Load(b + V.Lanes);
            V x = V.Broadcast(a[0]);
            c00 = V.MultiplyAdd(x, b0, c00);
            c01 = V.MultiplyAdd(x, b1, c01);
            x = V.Broadcast(a[1]);
            c10 = V.MultiplyAdd(x, b0, c10);
            c11 = V.MultiplyAdd(x, b1, c11);
            x = V.Broadcast(a[2]);
            c20 = V.MultiplyAdd(x, b0, c20);
            c21 = V.MultiplyAdd(x, b1, c21);
            x = V.Broadcast(a[3]);
            c30 = V.MultiplyAdd(x, b0, c30);
            c31 = V.MultiplyAdd(x, b1, c31);
            x = V.Broadcast(a[4]);
            c40 = V.MultiplyAdd(x, b0, c40);
            c41 = V.MultiplyAdd(x, b1, c41);
            x = V.Broadcast(a[5]);
            c50 = V.MultiplyAdd(x, b0, c50);
            c51 = V.MultiplyAdd(x, b1, c51);
            a += 6;
            b += 2 * V.Lanes;
        }
        TileStore.Row(c, c00, c01, accumulate);
        TileStore.Row(c += stride, c10, c11, accumulate);
        TileStore.Row(c += stride, c20, c21, accumulate);
        TileStore.Row(c += stride, c30, c31, accumulate);
        TileStore.Row(c += stride, c40, c41, accumulate);
        TileStore.Row(c + stride, c50, c51, accumulate);
    }
}

internal static unsafe class TileStore
{
    public static void Row<V>(float* c, V left, V right, bool accumulate)
        where V : struct, ISimdVector<V>
    {
        if (accumulate)
        {
            left = V.Add(V.Load(c), left);
            right = V.Add(V.Load(c + V.Lanes), right);
        }
        V.Store(c, left);
        V.Store(c + V.Lanes, right);
    }
}
