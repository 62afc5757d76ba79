using System.Numerics;
using Vernier.Memory;

namespace Vernier.Numerics;

/// <summary>
/// Products of a matrix with itself: H += X^T X, the Gram matrix of the columns of X summed over its rows. Only the lower
/// triangle (j &lt;= i) is computed and touched; <see cref="Mirror{T}(MatrixSpan{T}, Workers)"/> completes it once all is added.
/// The result does not depend on the number of threads.
/// </summary>
public static unsafe class SymmetricProduct
{
    private const int MirrorBlock = 32;

    /// <summary>
    /// H_ij += sum_s x_si x_sj for j &lt;= i, with X of samples x C (one sample a row) and H of C x C. A matrix that has one sample
    /// a column is given as <c>x.Transpose()</c>. Sums run in single precision over blocks of at most 512 samples.
    /// </summary>
    /// <param name="x">The samples.</param>
    /// <param name="h">The matrix whose lower triangle is updated; it must not overlap the samples.</param>
    /// <param name="update">Whether the triangle is replaced, added to or subtracted from.</param>
    /// <param name="workers">The threads.</param>
    /// <exception cref="ArgumentException">H is not C x C.</exception>
    public static void Update(ReadOnlyMatrixSpan<float> x, MatrixSpan<float> h, ProductUpdate update, Workers workers) =>
        Blocked(x, h, update, workers);

    /// <inheritdoc cref="Update(ReadOnlyMatrixSpan{float}, MatrixSpan{float}, ProductUpdate, Workers)"/>
    public static void Update(ReadOnlyMatrixSpan<double> x, MatrixSpan<double> h, ProductUpdate update, Workers workers) =>
        Blocked(x, h, update, workers);

    /// <summary>
    /// The same sum added to a matrix in double precision: each block of at most 512 samples is summed in single precision and
    /// added in double, so that the error does not grow with the number of samples.
    /// </summary>
    /// <exception cref="ArgumentException">H is not C x C.</exception>
    public static void Update(ReadOnlyMatrixSpan<float> x, MatrixSpan<double> h, Workers workers)
    {
        CheckShape(x, h.Rows, h.Columns);
        if (h.Rows == 0 || x.Rows == 0)
            return;
        x.Touched();
        Touch.Rows<double>(h.Data, 0, h.Rows, h.Rows, h.Stride);
        fixed (float* px = x.Data)
        fixed (double* ph = h.Data)
        {
            ProductOperand<float> columns = MatrixProduct.Operand(px, x.Stride, !x.IsTransposed);
            ProductKernels.Run(new ProductTask<float>(
                columns, columns, h.Rows, h.Rows, x.Rows) {
                Workers = workers, Wide = ph, Stride = h.Stride, Lower = true, Accumulate = true });
        }
    }

    /// <summary>Copies the lower triangle of a square matrix to the upper: h_ji = h_ij for j &lt; i.</summary>
    /// <exception cref="ArgumentException">The matrix is not square.</exception>
    public static void Mirror<T>(MatrixSpan<T> h, Workers workers)
        where T : unmanaged
    {
        if (h.Rows != h.Columns)
            throw new ArgumentException($"A matrix of {h.Rows} x {h.Columns} has no mirror image.");
        Touch.Rows<T>(h.Data, 0, h.Rows, h.Rows, h.Stride);
        fixed (T* data = h.Data)
        {
            var work = new MirrorWork<T> { Data = data, Stride = h.Stride, Size = h.Rows };
            workers.Run((h.Rows + MirrorBlock - 1) / MirrorBlock, ref work);
        }
    }

    /// <summary>The update of any element type that has kernels.</summary>
    internal static void Blocked<T>(ReadOnlyMatrixSpan<T> x, MatrixSpan<T> h, ProductUpdate update, Workers workers)
        where T : unmanaged, INumber<T>
    {
        CheckShape(x, h.Rows, h.Columns);
        if (h.Rows == 0)
            return;
        if (x.Rows == 0)
        {
            for (int i = 0; i < h.Rows && update == ProductUpdate.Set; i++)
                h.Row(i)[..(i + 1)].Clear();
            return;
        }
        x.Touched();
        Touch.Rows<T>(h.Data, 0, h.Rows, h.Rows, h.Stride);
        fixed (T* px = x.Data, ph = h.Data)
        {
            ProductOperand<T> columns = MatrixProduct.Operand(px, x.Stride, !x.IsTransposed);
            ProductKernels.Run(new ProductTask<T>(columns, columns, h.Rows, h.Rows, x.Rows)
            {
                Workers = workers,
                Result = ph,
                Stride = h.Stride,
                Lower = true,
                Accumulate = update != ProductUpdate.Set,
                Negate = update == ProductUpdate.Subtract,
            });
        }
    }

    private static void CheckShape<T>(ReadOnlyMatrixSpan<T> x, int rows, int columns)
        where T : unmanaged
    {
        if (rows != x.Columns || columns != x.Columns)
            throw new ArgumentException($"The Gram matrix of {x.Rows} samples of {x.Columns} does not fit into {rows} x {columns}.");
    }

    // Square blocks, so that the lines written are full before they leave the cache.
    private struct MirrorWork<T> : ITeamWork
        where T : unmanaged
    {
        public T* Data;
        public int Stride, Size;

        public readonly void Invoke(int index)
        {
            int first = index * MirrorBlock, last = Math.Min(Size, first + MirrorBlock);
            for (int column = 0; column <= first; column += MirrorBlock)
            {
                for (int j = column; j < Math.Min(column + MirrorBlock, last); j++)
                {
                    for (int i = Math.Max(first, j + 1); i < last; i++)
                        Data[((long)j * Stride) + i] = Data[((long)i * Stride) + j];
                }
            }
        }
    }
}
