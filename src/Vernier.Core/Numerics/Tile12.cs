using System.Runtime.CompilerServices;

namespace Vernier.Numerics;

/// <summary>12 rows x 2 vectors: 24 accumulators, for machines with 32 vector registers.</summary>
internal readonly unsafe struct Tile12<V, T> : IMatrixTile<T>
    where V : struct, ISimdVector<V, T>
    where T : unmanaged
{
    public static int Rows => 12;

    public static int Columns => 2 * V.Lanes;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(T* a, T* b, T* c, long stride, int k, bool accumulate, nint* ahead)
    {
        if (accumulate)
            TileStore.Prefetch<V, T>(c, stride, 12);
        V c00 = V.Zero, c01 = V.Zero, c10 = V.Zero, c11 = V.Zero, c20 = V.Zero, c21 = V.Zero, c30 = V.Zero, c31 = V.Zero;
        V c40 = V.Zero, c41 = V.Zero, c50 = V.Zero, c51 = V.Zero, c60 = V.Zero, c61 = V.Zero, c70 = V.Zero, c71 = V.Zero;
        V c80 = V.Zero, c81 = V.Zero, c90 = V.Zero, c91 = V.Zero, ca0 = V.Zero, ca1 = V.Zero, cb0 = V.Zero, cb1 = V.Zero;
        T* end = a + ((long)12 * k);
        while (a < end)
        {
            T* stop = end - a > 12 * TileStore.AheadTerms ? a + (12 * TileStore.AheadTerms) : end;
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
        }
        TileStore.Rows<V, T>(c, stride, c00, c01, c10, c11, c20, c21, c30, c31, accumulate);
        TileStore.Rows<V, T>(c + 4 * stride, stride, c40, c41, c50, c51, c60, c61, c70, c71, accumulate);
        TileStore.Rows<V, T>(c + 8 * stride, stride, c80, c81, c90, c91, ca0, ca1, cb0, cb1, accumulate);
    }

    public static void MultiplyFour(T* a, T* b, T* c, long stride, int k, bool accumulate) =>
        TileStore.Four<V, T>(a, 12, b, c, stride, k, accumulate);
}
