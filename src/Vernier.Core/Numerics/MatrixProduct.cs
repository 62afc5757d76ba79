using System.Buffers;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Numerics;

/// <summary>
/// Dense products of single-precision matrices in row-major order, blocked for the caches and packed for register tiles.
/// Each output is accumulated in ascending order of k by one thread, so the result does not depend on the number of threads.
/// </summary>
public static unsafe class MatrixProduct
{
    private const int BlockK = 384;
    private const int BlockM = 144;
    private const int BlockN = 3072;

    /// <summary>
    /// C = A B^T, with A of m x k, B of n x k and C of m x n: a linear layer with weight B applied to the rows of A.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">A span is shorter than its shape.</exception>
    public static void MultiplyTransposed(ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> c, int m, int n, int k)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(a.Length, (long)m * k);
        ArgumentOutOfRangeException.ThrowIfLessThan(b.Length, (long)n * k);
        ArgumentOutOfRangeException.ThrowIfLessThan(c.Length, (long)m * n);
        if (m == 0 || n == 0)
            return;
        if (k == 0)
        {
            c[..(m * n)].Clear();
            return;
        }
        fixed (float* pa = a, pb = b, pc = c)
        {
            if (m == 1)
                RowProduct.Multiply(pa, pb, pc, n, k);
            else if (Vector512.IsHardwareAccelerated && Avx512F.IsSupported)
                Blocked<Tile12<Simd512>>(pa, pb, pc, m, n, k);
            else if (Fma.IsSupported && Vector256.IsHardwareAccelerated)
                Blocked<Tile6<Simd256>>(pa, pb, pc, m, n, k);
            else if (AdvSimd.IsSupported)
                Blocked<Tile12<Simd128>>(pa, pb, pc, m, n, k);
            else if (Vector128.IsHardwareAccelerated)
                Blocked<Tile6<Simd128>>(pa, pb, pc, m, n, k);
            else
                Blocked<Tile6<SimdScalar>>(pa, pb, pc, m, n, k);
        }
    }

    private static void Blocked<T>(float* a, float* b, float* c, int m, int n, int k)
        where T : struct, IMatrixTile
    {
        int panelsN = (Math.Min(n, BlockN) + T.Columns - 1) / T.Columns;
        float[] buffer = ArrayPool<float>.Shared.Rent(panelsN * T.Columns * Math.Min(k, BlockK));
        fixed (float* packed = buffer)
        {
            for (int jc = 0; jc < n; jc += BlockN)
            {
                for (int pc = 0; pc < k; pc += BlockK)
                {
                    var block = new Block(a + pc, b + (long)jc * k + pc, c + jc, packed, m, Math.Min(BlockN, n - jc), Math.Min(BlockK, k - pc), k, n, pc > 0);
                    block.Run<T>();
                }
            }
        }
        ArrayPool<float>.Shared.Return(buffer);
    }

    /// <summary>One block of B (n columns of the result, k terms) against all rows of A.</summary>
    private readonly struct Block(float* a, float* b, float* c, float* packedB, int m, int n, int k, int stride, int strideC, bool accumulate)
    {
        private readonly nint _a = (nint)a, _b = (nint)b, _c = (nint)c, _packedB = (nint)packedB;

        public void Run<T>()
            where T : struct, IMatrixTile
        {
            Block self = this;
            int panels = (n + T.Columns - 1) / T.Columns;
            int chunk = Math.Max(1, Math.Min(16, panels / (2 * ParallelLoop.MaxThreads)));
            ParallelLoop.For((panels + chunk - 1) / chunk, index => self.PackB<T>(index * chunk, Math.Min(chunk, panels - index * chunk)));
            int blocksM = (m + BlockM - 1) / BlockM;
            int splits = Math.Clamp((2 * ParallelLoop.MaxThreads + blocksM - 1) / blocksM, 1, panels);
            ParallelLoop.For(blocksM * splits, index => self.Multiply<T>(index / splits * BlockM, (int)((long)panels * (index % splits) / splits), (int)((long)panels * (index % splits + 1) / splits)));
        }

        private void PackB<T>(int panel, int count)
            where T : struct, IMatrixTile
        {
            int first = panel * T.Columns;
            MatrixPacking.Rows((float*)_b + (long)first * stride, stride, Math.Min(count * T.Columns, n - first), k, T.Columns, (float*)_packedB + (long)first * k);
        }

        private void Multiply<T>(int row, int firstPanel, int lastPanel)
            where T : struct, IMatrixTile
        {
            int rows = Math.Min(BlockM, m - row);
            int padded = (rows + T.Rows - 1) / T.Rows * T.Rows;
            float[] buffer = ArrayPool<float>.Shared.Rent(padded * k);
            float* edge = stackalloc float[T.Rows * T.Columns];
            fixed (float* packedA = buffer)
            {
                MatrixPacking.Rows((float*)_a + (long)row * stride, stride, rows, k, T.Rows, packedA);
                for (int panel = firstPanel; panel < lastPanel; panel++)
                {
                    int column = panel * T.Columns;
                    float* panelB = (float*)_packedB + (long)column * k;
                    int columns = Math.Min(T.Columns, n - column);
                    for (int r = 0; r < rows; r += T.Rows)
                    {
                        float* target = (float*)_c + (long)(row + r) * strideC + column;
                        int height = Math.Min(T.Rows, rows - r);
                        if (height == T.Rows && columns == T.Columns)
                        {
                            T.Multiply(packedA + (long)r * k, panelB, target, strideC, k, accumulate);
                        }
                        else
                        {
                            T.Multiply(packedA + (long)r * k, panelB, edge, T.Columns, k, false);
                            CopyEdge(edge, T.Columns, target, strideC, height, columns, accumulate);
                        }
                    }
                }
            }
            ArrayPool<float>.Shared.Return(buffer);
        }

        private static void CopyEdge(float* source, int strideSource, float* target, int strideTarget, int rows, int columns, bool accumulate)
        {
            for (int i = 0; i < rows; i++)
            {
                for (int j = 0; j < columns; j++)
                    target[j] = accumulate ? target[j] + source[j] : source[j];
                source += strideSource;
                target += strideTarget;
            }
        }
    }
}
