using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Numerics;

internal static unsafe class TileStore
{
    /// <summary>The number of terms for which a tile prefetches one line.</summary>
    public const int AheadTerms = 8;

    /// <summary>Prefetches the next of a list of addresses into the second cache, if there is a list.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(ref nint* ahead)
    {
        if (Sse.IsSupported && ahead != null)
            Sse.Prefetch1((void*)*ahead++);
    }

    /// <summary>Four rows x 2 vectors of a panel of <paramref name="width"/> rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Four<V, T>(T* a, int width, T* b, T* c, long stride, int k, bool accumulate)
        where V : struct, ISimdVector<V, T>
        where T : unmanaged
    {
        V c00 = V.Zero, c01 = V.Zero, c10 = V.Zero, c11 = V.Zero, c20 = V.Zero, c21 = V.Zero;
        V c30 = V.Zero, c31 = V.Zero;
        T* end = a + ((long)width * k);
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
            a += width;
            b += 2 * V.Lanes;
        }
        Rows<V, T>(c, stride, c00, c01, c10, c11, c20, c21, c30, c31, accumulate);
    }

    /// <summary>Stores four rows of a tile, or adds them to what is there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Rows<V, T>(T* c, long stride, V c00, V c01, V c10, V c11, V c20, V c21, V c30, V c31, bool accumulate)
        where V : struct, ISimdVector<V, T>
        where T : unmanaged
    {
        Row<V, T>(c, c00, c01, accumulate);
        Row<V, T>(c + stride, c10, c11, accumulate);
        Row<V, T>(c + 2 * stride, c20, c21, accumulate);
        Row<V, T>(c + 3 * stride, c30, c31, accumulate);
    }

    /// <summary>Stores a row of a tile, or adds it to what is there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Row<V, T>(T* c, V left, V right, bool accumulate)
        where V : struct, ISimdVector<V, T>
        where T : unmanaged
    {
        if (accumulate)
        {
            left = V.Add(V.Load(c), left);
            right = V.Add(V.Load(c + V.Lanes), right);
        }
        V.Store(c, left);
        V.Store(c + V.Lanes, right);
    }

    /// <summary>
    /// Asks for the lines of a tile of the result while the tile is computed, so that adding to them at the end need not wait.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch<V, T>(T* c, long stride, int rows)
        where V : struct, ISimdVector<V, T>
        where T : unmanaged
    {
        if (!Sse.IsSupported)
            return;
        int line = 64 / sizeof(T);
        for (int i = 0; i < rows; i++, c += stride)
        {
            for (int j = 0; j < 2 * V.Lanes; j += line)
                Sse.Prefetch0(c + j);
            Sse.Prefetch0(c + (2 * V.Lanes) - 1);
        }
    }
}
