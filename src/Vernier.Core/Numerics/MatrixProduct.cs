using System.Numerics;
using Vernier.Memory;

namespace Vernier.Numerics;

/// <summary>What a product does with the matrix that receives it.</summary>
public enum ProductUpdate
{
    /// <summary>C = A B.</summary>
    Set,

    /// <summary>C += A B.</summary>
    Add,

    /// <summary>C -= A B.</summary>
    Subtract,
}

/// <summary>
/// Dense products, blocked for the caches and packed for register tiles.
/// Each output is accumulated in ascending order of k by one thread, so the result does not depend on the number of threads.
/// </summary>
public static unsafe class MatrixProduct
{
    /// <summary>
    /// C = A B, C += A B or C -= A B, with A of m x k, B of k x n and C of m x n; a transposed factor is given as
    /// <c>x.Transpose()</c> and costs the same. NaN and infinities spread as in the sum of products; with k = 0 the product is 0.
    /// </summary>
    /// <param name="a">The left factor.</param>
    /// <param name="b">The right factor.</param>
    /// <param name="c">The result; it must not overlap a factor.</param>
    /// <param name="update">Whether C is replaced, added to or subtracted from.</param>
    /// <param name="workers">The threads.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static void Multiply(ReadOnlyMatrixSpan<float> a, ReadOnlyMatrixSpan<float> b, MatrixSpan<float> c, ProductUpdate update,
        Workers workers)
    {
        if (c.Rows == 1 && a.Columns == b.Rows && b.Columns == c.Columns && b.IsTransposed && b.Stride == b.Rows && !a.IsTransposed
            && a.Rows == 1 && update == ProductUpdate.Set && b.Rows > 0)
        {
            Touch.Range(a.Data, 0, a.Columns);
            Touch.Range(b.Data, 0, (long)b.Rows * b.Columns);
            Touch.Range<float>(c.Data, 0, c.Columns);
            fixed (float* pa = a.Data, pb = b.Data, pc = c.Data)
                RowProduct.Multiply(pa, pb, pc, c.Columns, a.Columns, workers);
            return;
        }
        MultiplyBlocked(a, b, c, update, workers);
    }

    /// <inheritdoc cref="Multiply(ReadOnlyMatrixSpan{float}, ReadOnlyMatrixSpan{float}, MatrixSpan{float}, ProductUpdate, Workers)"/>
    public static void Multiply(ReadOnlyMatrixSpan<double> a, ReadOnlyMatrixSpan<double> b, MatrixSpan<double> c, ProductUpdate update,
        Workers workers) =>
        MultiplyBlocked(a, b, c, update, workers);

    /// <summary>
    /// C = A B^T, with A of m x k, B of n x k and C of m x n: a linear layer with weight B applied to the rows of A.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">A span is shorter than its shape.</exception>
    public static void MultiplyTransposed(ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> c, int m, int n, int k,
        Workers workers) =>
        Multiply(new ReadOnlyMatrixSpan<float>(a, m, k), new ReadOnlyMatrixSpan<float>(b, n, k).Transpose(), new MatrixSpan<float>(c, m, n),
            ProductUpdate.Set, workers);

    /// <summary>The product of any element type that has kernels: single and double precision.</summary>
    internal static void MultiplyBlocked<T>(ReadOnlyMatrixSpan<T> a, ReadOnlyMatrixSpan<T> b, MatrixSpan<T> c, ProductUpdate update,
        Workers workers)
        where T : unmanaged, INumber<T>
    {
        if (a.Rows != c.Rows || b.Columns != c.Columns || a.Columns != b.Rows)
            throw new ArgumentException(
                $"A product of {a.Rows} x {a.Columns} and {b.Rows} x {b.Columns} does not fit into {c.Rows} x {c.Columns}.");
        if (c.Rows == 0 || c.Columns == 0)
            return;
        if (a.Columns == 0)
        {
            for (int i = 0; i < c.Rows && update == ProductUpdate.Set; i++)
                c.Row(i).Clear();
            return;
        }
        a.Touched();
        b.Touched();
        Touch.Rows<T>(c.Data, 0, c.Rows, c.Columns, c.Stride);
        fixed (T* pa = a.Data, pb = b.Data, pc = c.Data)
        {
            ProductKernels.Run(new ProductTask<T>(Operand(pa, a.Stride, a.IsTransposed), Operand(pb, b.Stride, !b.IsTransposed), c.Rows,
                c.Columns, a.Columns)
            {
                Workers = workers,
                Result = pc,
                Stride = c.Stride,
                Accumulate = update != ProductUpdate.Set,
                Negate = update == ProductUpdate.Subtract,
            });
        }
    }

    /// <summary>An operand whose rows are the rows of a stored matrix or, transposed, its columns.</summary>
    internal static ProductOperand<T> Operand<T>(T* data, long stride, bool transposed)
        where T : unmanaged => transposed ? new(data, 1, stride) : new(data, stride, 1);
}
