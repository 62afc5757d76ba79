using System.Runtime.CompilerServices;

namespace Vernier.Numerics;

/// <summary>6 rows x 2 vectors: 12 accumulators, for machines with 16 vector registers.</summary>
internal readonly unsafe struct Tile6<V, T> : IMatrixTile<T>
    where V : struct, ISimdVector<V, T>
    where T : unmanaged
{
    public static int Rows => 6;

    public static int Columns => 2 * V.Lanes;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(T* a, T* b, T* c, long stride, int k, bool accumulate, nint* ahead)
    {
        if (accumulate)
            TileStore.Prefetch<V, T>(c, stride, 6);
        V c00 = V.Zero, c01 = V.Zero, c10 = V.Zero, c11 = V.Zero, c20 = V.Zero, c21 = V.Zero;
        V c30 = V.Zero, c31 = V.Zero, c40 = V.Zero, c41 = V.Zero, c50 = V.Zero, c51 = V.Zero;
        T* end = a + ((long)6 * k);
        while (a < end)
        {
            T* stop = end - a > 6 * TileStore.AheadTerms ? a + (6 * TileStore.AheadTerms) : end;
            TileStore.Prefetch(ref ahead);
            while (a < stop)
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
        }
        TileStore.Row<V, T>(c, c00, c01, accumulate);
        TileStore.Row<V, T>(c += stride, c10, c11, accumulate);
        TileStore.Row<V, T>(c += stride, c20, c21, accumulate);
        TileStore.Row<V, T>(c += stride, c30, c31, accumulate);
        TileStore.Row<V, T>(c += stride, c40, c41, accumulate);
        TileStore.Row<V, T>(c + stride, c50, c51, accumulate);
    }

    public static void MultiplyFour(T* a, T* b, T* c, long stride, int k, bool accumulate) =>
        TileStore.Four<V, T>(a, 6, b, c, stride, k, accumulate);
}
