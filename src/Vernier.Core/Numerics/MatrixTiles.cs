using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Numerics;

/// <summary>
/// A register tile of a matrix product: Rows x (2 V.Lanes) outputs, accumulated over k in ascending order.
/// Panels are packed: <c>a</c> holds, for each k, the tile's Rows values; <c>b</c> holds, for each k, its 2 V.Lanes values.
/// </summary>
/// <remarks>
/// For each k a tile loads two vectors of b and, for each of its rows, repeats one value of a over all lanes (a broadcast) to
/// multiply both: the outer product of a column of a and a row of b. The accumulators never leave the registers, so that a
/// 12-row tile does 24 multiply-adds for 14 loads. The scalar equivalent is c[i][j] += a[k * Rows + i] * b[k * Columns + j].
/// The bodies are compiled fully at the first call: a first product should not run in slow preliminary code.
/// </remarks>
internal unsafe interface IMatrixTile<T>
    where T : unmanaged
{
    /// <summary>Rows of A that a tile covers.</summary>
    static abstract int Rows { get; }

    /// <summary>Columns of the result that a tile covers.</summary>
    static abstract int Columns { get; }

    /// <summary>c = a b, or c += a b if <paramref name="accumulate"/>; c has row stride <paramref name="stride"/>.</summary>
    static abstract void Multiply(T* a, T* b, T* c, long stride, int k, bool accumulate);

    /// <summary>The same for the first four rows of the panel <paramref name="a"/> alone, to the same bits.</summary>
    static abstract void MultiplyFour(T* a, T* b, T* c, long stride, int k, bool accumulate);
}

/// <summary>12 rows x 2 vectors: 24 accumulators, for machines with 32 vector registers.</summary>
internal readonly unsafe struct Tile12<V, T> : IMatrixTile<T>
    where V : struct, ISimdVector<V, T>
    where T : unmanaged
{
    public static int Rows => 12;

    public static int Columns => 2 * V.Lanes;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(T* a, T* b, T* c, long stride, int k, bool accumulate)
    {
        if (accumulate)
            TileStore.Prefetch<V, T>(c, stride, 12);
        V c00 = V.Zero, c01 = V.Zero, c10 = V.Zero, c11 = V.Zero, c20 = V.Zero, c21 = V.Zero;
        V c30 = V.Zero, c31 = V.Zero, c40 = V.Zero, c41 = V.Zero, c50 = V.Zero, c51 = V.Zero;
        V c60 = V.Zero, c61 = V.Zero, c70 = V.Zero, c71 = V.Zero, c80 = V.Zero, c81 = V.Zero;
        V c90 = V.Zero, c91 = V.Zero, ca0 = V.Zero, ca1 = V.Zero, cb0 = V.Zero, cb1 = V.Zero;
        T* end = a + ((long)12 * k);
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
        TileStore.Row<V, T>(c, c00, c01, accumulate);
        TileStore.Row<V, T>(c += stride, c10, c11, accumulate);
        TileStore.Row<V, T>(c += stride, c20, c21, accumulate);
        TileStore.Row<V, T>(c += stride, c30, c31, accumulate);
        TileStore.Row<V, T>(c += stride, c40, c41, accumulate);
        TileStore.Row<V, T>(c += stride, c50, c51, accumulate);
        TileStore.Row<V, T>(c += stride, c60, c61, accumulate);
        TileStore.Row<V, T>(c += stride, c70, c71, accumulate);
        TileStore.Row<V, T>(c += stride, c80, c81, accumulate);
        TileStore.Row<V, T>(c += stride, c90, c91, accumulate);
        TileStore.Row<V, T>(c += stride, ca0, ca1, accumulate);
        TileStore.Row<V, T>(c + stride, cb0, cb1, accumulate);
    }

    public static void MultiplyFour(T* a, T* b, T* c, long stride, int k, bool accumulate) =>
        TileStore.Four<V, T>(a, 12, b, c, stride, k, accumulate);
}

/// <summary>6 rows x 2 vectors: 12 accumulators, for machines with 16 vector registers.</summary>
internal readonly unsafe struct Tile6<V, T> : IMatrixTile<T>
    where V : struct, ISimdVector<V, T>
    where T : unmanaged
{
    public static int Rows => 6;

    public static int Columns => 2 * V.Lanes;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(T* a, T* b, T* c, long stride, int k, bool accumulate)
    {
        if (accumulate)
            TileStore.Prefetch<V, T>(c, stride, 6);
        V c00 = V.Zero, c01 = V.Zero, c10 = V.Zero, c11 = V.Zero, c20 = V.Zero, c21 = V.Zero;
        V c30 = V.Zero, c31 = V.Zero, c40 = V.Zero, c41 = V.Zero, c50 = V.Zero, c51 = V.Zero;
        T* end = a + ((long)6 * k);
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

internal static unsafe class TileStore
{
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
        TileStore.Row<V, T>(c, c00, c01, accumulate);
        TileStore.Row<V, T>(c += stride, c10, c11, accumulate);
        TileStore.Row<V, T>(c += stride, c20, c21, accumulate);
        TileStore.Row<V, T>(c + stride, c30, c31, accumulate);
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
