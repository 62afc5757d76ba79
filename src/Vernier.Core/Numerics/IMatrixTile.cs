
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

    /// <summary>
    /// c = a b, or c += a b if <paramref name="accumulate"/>; c has row stride <paramref name="stride"/>. If <paramref name="ahead"/>
    /// is not null, one address of it is prefetched for every <see cref="TileStore.AheadTerms"/> terms.
    /// </summary>
    static abstract void Multiply(T* a, T* b, T* c, long stride, int k, bool accumulate, nint* ahead);

    /// <summary>The same for the first four rows of the panel <paramref name="a"/> alone, to the same bits.</summary>
    static abstract void MultiplyFour(T* a, T* b, T* c, long stride, int k, bool accumulate);
}
