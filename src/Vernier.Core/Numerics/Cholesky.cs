using System.Numerics;
using Vernier.Memory;

namespace Vernier.Numerics;

/// <summary>
/// A = L L^T for symmetric positive definite matrices, in single and double precision. The matrix is halved until it is small, so
/// that nearly all of the work is matrix products. No result depends on the number of threads.
/// </summary>
public static unsafe class Cholesky
{
    /// <summary>
    /// Replaces the lower triangle of A by L. The upper triangle is neither read nor written. If a pivot, the part of a diagonal
    /// element that the rows above do not explain, is not positive and finite, A is not positive definite to working precision:
    /// then the triangle holds a partial result, and a caller that adds to the diagonal must do so to a fresh copy.
    /// </summary>
    /// <param name="a">The matrix, n x n.</param>
    /// <param name="failedPivot">The index of the first such pivot, or -1.</param>
    /// <param name="workers">The threads.</param>
    /// <returns>Whether L was found.</returns>
    /// <exception cref="ArgumentException">A is not square.</exception>
    public static bool TryFactor(MatrixSpan<float> a, out int failedPivot, Workers workers) => (failedPivot = FactorCore(a, workers)) < 0;

    /// <inheritdoc cref="TryFactor(MatrixSpan{float}, out int, Workers)"/>
    public static bool TryFactor(MatrixSpan<double> a, out int failedPivot, Workers workers) => (failedPivot = FactorCore(a, workers)) < 0;

    /// <summary>Solves A X = B, with A = L L^T of n x n and B of n x m, and leaves X in B.</summary>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static void Solve(ReadOnlyMatrixSpan<float> l, MatrixSpan<float> b, Workers workers)
    {
        TriangularSolve.Left(l, b, workers);
        TriangularSolve.Left(l.Transpose(), b, workers);
    }

    /// <inheritdoc cref="Solve(ReadOnlyMatrixSpan{float}, MatrixSpan{float}, Workers)"/>
    public static void Solve(ReadOnlyMatrixSpan<double> l, MatrixSpan<double> b, Workers workers)
    {
        TriangularSolve.Left(l, b, workers);
        TriangularSolve.Left(l.Transpose(), b, workers);
    }

    /// <summary>Replaces the lower triangle of L by that of its inverse; the upper triangle is neither read nor written.</summary>
    /// <exception cref="ArgumentException">L is not square.</exception>
    public static void InvertTriangle(MatrixSpan<float> l, Workers workers) => InvertTriangleCore(l, workers);

    /// <inheritdoc cref="InvertTriangle(MatrixSpan{float}, Workers)"/>
    public static void InvertTriangle(MatrixSpan<double> l, Workers workers) => InvertTriangleCore(l, workers);

    /// <summary>Replaces a symmetric positive definite matrix, of which the lower triangle is read, by its whole inverse L^-T
    /// L^-1.</summary>
    /// <param name="a">The matrix, n x n.</param>
    /// <param name="failedPivot">As for <see cref="TryFactor(MatrixSpan{float}, out int, Workers)"/>.</param>
    /// <param name="workers">The threads.</param>
    /// <returns>Whether the inverse was found; if not, the lower triangle holds a partial result.</returns>
    /// <exception cref="ArgumentException">A is not square.</exception>
    public static bool TryInvert(MatrixSpan<float> a, out int failedPivot, Workers workers) => (failedPivot = InvertCore(a, workers)) < 0;

    /// <inheritdoc cref="TryInvert(MatrixSpan{float}, out int, Workers)"/>
    public static bool TryInvert(MatrixSpan<double> a, out int failedPivot, Workers workers) => (failedPivot = InvertCore(a, workers)) < 0;

    // A11 = L11 L11^T; L21 = A21 L11^-T; A22 - L21 L21^T = L22 L22^T.
    private static int FactorCore<T>(MatrixSpan<T> a, Workers workers)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        CheckSquare(a);
        int n = a.Rows;
        if (n <= TriangularLeaf.MaxSize)
        {
            Touch.Rows<T>(a.Data, 0, n, n, a.Stride);
            fixed (T* data = a.Data)
                return TriangularLeaf.Factor(data, a.Stride, n);
        }
        int half = TriangularSolve.Half(n);
        MatrixSpan<T> first = a.Slice(0, 0, half, half), below = a.Slice(half, 0, n - half, half),
            last = a.Slice(half, half, n - half, n - half);
        int failed = FactorCore(first, workers);
        if (failed >= 0)
            return failed;
        ReadOnlyMatrixSpan<T> factor = first, solved = below;
        TriangularSolve.RightCore(factor.Transpose(), below, workers);
        SymmetricProduct.Blocked(solved.Transpose(), last, ProductUpdate.Subtract, workers);
        failed = FactorCore(last, workers);
        return failed < 0 ? -1 : failed + half;
    }

    // The inverse of [L11 0; L21 L22] is [L11^-1 0; -L22^-1 L21 L11^-1 L22^-1].
    private static void InvertTriangleCore<T>(MatrixSpan<T> l, Workers workers)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        CheckSquare(l);
        int n = l.Rows;
        if (n <= TriangularLeaf.MaxSize)
        {
            InvertLeaf(l, workers);
            return;
        }
        int half = TriangularSolve.Half(n);
        MatrixSpan<T> first = l.Slice(0, 0, half, half), below = l.Slice(half, 0, n - half, half),
            last = l.Slice(half, half, n - half, n - half);
        TriangularSolve.LeftCore(last, below, workers);
        TriangularSolve.RightCore(first, below, workers);
        for (int i = 0; i < below.Rows; i++)
        {
            foreach (ref T value in below.Row(i))
                value = -value;
        }
        InvertTriangleCore(first, workers);
        InvertTriangleCore(last, workers);
    }

    private static void InvertLeaf<T>(MatrixSpan<T> l, Workers workers)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int n = l.Rows;
        using var buffer = new PooledArray<T>(n * n);
        buffer.Span.Clear();
        var inverse = new MatrixSpan<T>(buffer.Span, n, n);
        for (int i = 0; i < n; i++)
            inverse[i, i] = T.One;
        TriangularSolve.LeftCore(l, inverse, workers);
        for (int i = 0; i < n; i++)
            inverse.Row(i)[..(i + 1)].CopyTo(l.Row(i));
    }

    private static int InvertCore<T>(MatrixSpan<T> a, Workers workers)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int failed = FactorCore(a, workers);
        if (failed >= 0)
            return failed;
        InvertTriangleCore(a, workers);
        int n = a.Rows;
        using var buffer = new PooledArray<T>(checked(n * n));
        var inverse = new MatrixSpan<T>(buffer.Span, n, n);
        for (int i = 0; i < n; i++)
        {
            a.Row(i)[..(i + 1)].CopyTo(inverse.Row(i));
            inverse.Row(i)[(i + 1)..].Clear();
        }
        SymmetricProduct.Blocked(inverse, a, ProductUpdate.Set, workers);
        SymmetricProduct.Mirror(a, workers);
        return -1;
    }

    private static void CheckSquare<T>(MatrixSpan<T> a)
        where T : unmanaged
    {
        if (a.Rows != a.Columns)
            throw new ArgumentException($"A matrix of {a.Rows} x {a.Columns} is not square.");
    }
}
