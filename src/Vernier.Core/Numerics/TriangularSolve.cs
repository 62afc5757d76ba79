using System.Numerics;
using Vernier.Memory;

namespace Vernier.Numerics;

/// <summary>
/// Systems with a lower triangular matrix L, or with L^T given as <c>l.Transpose()</c>, for many right-hand sides at once, solved
/// in place. Only the triangle of L is read. The work is halved until triangles are small, so that nearly all of it is matrix
/// products; the result does not depend on the number of threads. A zero on the diagonal gives infinities or NaN.
/// </summary>
public static unsafe class TriangularSolve
{
    private const int Leaf = 64;

    /// <summary>Solves T X = B, with T = L or L^T of n x n and B of n x m, and leaves X in B.</summary>
    /// <param name="l">L, or <c>L.Transpose()</c>.</param>
    /// <param name="b">The right-hand sides, one a column; becomes X. It must not overlap the triangle.</param>
    /// <param name="workers">The threads.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static void Left(ReadOnlyMatrixSpan<float> l, MatrixSpan<float> b, Workers workers) => LeftCore(l, b, workers);

    /// <inheritdoc cref="Left(ReadOnlyMatrixSpan{float}, MatrixSpan{float}, Workers)"/>
    public static void Left(ReadOnlyMatrixSpan<double> l, MatrixSpan<double> b, Workers workers) => LeftCore(l, b, workers);

    /// <summary>Solves X T = B, with T = L or L^T of n x n and B of m x n, and leaves X in B.</summary>
    /// <param name="l">L, or <c>L.Transpose()</c>.</param>
    /// <param name="b">The right-hand sides, one a row; becomes X. It must not overlap the triangle.</param>
    /// <param name="workers">The threads.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static void Right(ReadOnlyMatrixSpan<float> l, MatrixSpan<float> b, Workers workers) => RightCore(l, b, workers);

    /// <inheritdoc cref="Right(ReadOnlyMatrixSpan{float}, MatrixSpan{float}, Workers)"/>
    public static void Right(ReadOnlyMatrixSpan<double> l, MatrixSpan<double> b, Workers workers) => RightCore(l, b, workers);

    internal static void LeftCore<T>(ReadOnlyMatrixSpan<T> t, MatrixSpan<T> b, Workers workers)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        CheckShape(t, b.Rows);
        int n = b.Rows;
        if (n == 0 || b.Columns == 0)
            return;
        if (n <= Leaf)
        {
            Touch.Rows<T>(b.Data, 0, n, b.Columns, b.Stride);
            fixed (T* pb = b.Data)
                SolveLeaf(t, MatrixProduct.Operand(pb, b.Stride, true), b.Columns, workers);
            return;
        }
        int half = Half(n);
        MatrixSpan<T> top = b.Slice(0, 0, half, b.Columns), bottom = b.Slice(half, 0, n - half, b.Columns);
        if (!t.IsTransposed)
        {
            LeftCore(t.Slice(0, 0, half, half), top, workers);
            MatrixProduct.MultiplyBlocked(t.Slice(half, 0, n - half, half), top, bottom, ProductUpdate.Subtract, workers);
            LeftCore(t.Slice(half, half, n - half, n - half), bottom, workers);
        }
        else
        {
            LeftCore(t.Slice(half, half, n - half, n - half), bottom, workers);
            MatrixProduct.MultiplyBlocked(t.Slice(0, half, half, n - half), bottom, top, ProductUpdate.Subtract, workers);
            LeftCore(t.Slice(0, 0, half, half), top, workers);
        }
    }

    internal static void RightCore<T>(ReadOnlyMatrixSpan<T> t, MatrixSpan<T> b, Workers workers)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        CheckShape(t, b.Columns);
        int n = b.Columns;
        if (n == 0 || b.Rows == 0)
            return;
        if (n <= Leaf)
        {
            Touch.Rows<T>(b.Data, 0, b.Rows, n, b.Stride);
            // X T = B is T^T X^T = B^T.
            fixed (T* pb = b.Data)
                SolveLeaf(t.Transpose(), MatrixProduct.Operand(pb, b.Stride, false), b.Rows, workers);
            return;
        }
        int half = Half(n);
        MatrixSpan<T> left = b.Slice(0, 0, b.Rows, half), right = b.Slice(0, half, b.Rows, n - half);
        if (t.IsTransposed)
        {
            RightCore(t.Slice(0, 0, half, half), left, workers);
            MatrixProduct.MultiplyBlocked(left, t.Slice(0, half, half, n - half), right, ProductUpdate.Subtract, workers);
            RightCore(t.Slice(half, half, n - half, n - half), right, workers);
        }
        else
        {
            RightCore(t.Slice(half, half, n - half, n - half), right, workers);
            MatrixProduct.MultiplyBlocked(right, t.Slice(half, 0, n - half, half), left, ProductUpdate.Subtract, workers);
            RightCore(t.Slice(0, 0, half, half), left, workers);
        }
    }

    /// <summary>The first part of a triangle: about half of it, in whole leaves.</summary>
    internal static int Half(int n) => ((n / 2) + Leaf - 1) / Leaf * Leaf;

    private static void SolveLeaf<T>(ReadOnlyMatrixSpan<T> t, ProductOperand<T> b, int count, Workers workers)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        t.Touched();
        fixed (T* pt = t.Data)
            TriangularLeaf.Solve(MatrixProduct.Operand(pt, t.Stride, t.IsTransposed), t.Rows, !t.IsTransposed, b, count, workers);
    }

    private static void CheckShape<T>(ReadOnlyMatrixSpan<T> t, int n)
        where T : unmanaged
    {
        if (t.Rows != t.Columns || t.Rows != n)
            throw new ArgumentException($"A triangle of {t.Rows} x {t.Columns} can't solve a system of {n}.");
    }
}
