using System.Numerics.Tensors;

namespace Vernier.Numerics;

/// <summary>Dense products of single-precision matrices in row-major order.</summary>
public static class MatrixProduct
{
    /// <summary>
    /// C = A B^T, with A of m x k, B of n x k and C of m x n: a linear layer with weight B applied to the rows of A.
    /// The result does not depend on the number of threads.
    /// </summary>
    public static unsafe void MultiplyTransposed(ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> c, int m, int n, int k)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(a.Length, m * k);
        ArgumentOutOfRangeException.ThrowIfLessThan(b.Length, n * k);
        ArgumentOutOfRangeException.ThrowIfLessThan(c.Length, m * n);
        fixed (float* pa = a, pb = b, pc = c)
        {
            nint na = (nint)pa, nb = (nint)pb, nc = (nint)pc;
            Parallel.For(0, m, row =>
            {
                var x = new ReadOnlySpan<float>((float*)na + (long)row * k, k);
                float* y = (float*)nc + (long)row * n;
                for (int j = 0; j < n; j++)
                    y[j] = TensorPrimitives.Dot(x, new ReadOnlySpan<float>((float*)nb + (long)j * k, k));
            });
        }
    }
}
