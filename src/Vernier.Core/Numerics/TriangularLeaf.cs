using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Numerics;

/// <summary>The small triangles at which the halving of <see cref="TriangularSolve"/> and <see cref="Cholesky"/> ends.</summary>
internal static unsafe class TriangularLeaf
{
    /// <summary>The largest leaf.</summary>
    public const int MaxSize = 64;

    private const int Vectors = 4, SystemsPerTask = 128;

    /// <summary>
    /// Solves <paramref name="count"/> systems T x = b in place, with T of n x n and row <c>r</c> of <paramref name="b"/> the r-th
    /// right-hand side: x_j = (b_j - sum_p t_jp x_p) / t_jj, for ascending j over p &lt; j if T is <paramref name="lower"/>, for
    /// descending j over p &gt; j if not.
    /// </summary>
    public static void Solve<T>(ProductOperand<T> t, int n, bool lower, ProductOperand<T> b, int count, Workers workers)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (typeof(T) == typeof(float))
            SolveWidest<Simd512, Simd256, Simd128, SimdScalar, float>(As<T, float>(t), n, lower, As<T, float>(b), count, workers);
        else
            SolveWidest<Double512, Double256, Double128, DoubleScalar,
                double>(As<T, double>(t), n, lower, As<T, double>(b), count, workers);
    }

    /// <summary>
    /// The Cholesky factor of a small matrix in its lower triangle; -1, or the index of the first pivot that is not positive and
    /// finite.
    /// </summary>
    public static int Factor<T>(T* a, long stride, int n)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (typeof(T) == typeof(float))
            return FactorWidest<Simd512, Simd256, Simd128, SimdScalar, float>((float*)a, stride, n);
        return FactorWidest<Double512, Double256, Double128, DoubleScalar, double>((double*)a, stride, n);
    }

    private static ProductOperand<TTo> As<TFrom, TTo>(ProductOperand<TFrom> operand)
        where TFrom : unmanaged
        where TTo : unmanaged => new((TTo*)operand.Data, operand.RowStride, operand.TermStride);

    private static void SolveWidest<V512, V256, V128, VScalar,
        T>(ProductOperand<T> t, int n, bool lower, ProductOperand<T> b, int count, Workers workers)
        where V512 : struct, ISimdVector<V512, T>
        where V256 : struct, ISimdVector<V256, T>
        where V128 : struct, ISimdVector<V128, T>
        where VScalar : struct, ISimdVector<VScalar, T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var work = new Work<V512, V256, V128, VScalar, T> { Triangle = t, Size = n, Lower = lower, Systems = b, Count = count };
        workers.Run((count + SystemsPerTask - 1) / SystemsPerTask, ref work);
    }

    // Systems lie side by side in the lanes: panel[p * width + r] is element p of system r, so that every step is the same
    // multiply-add for all. Four vectors at once hide the time that each takes.
    private static void SolveSome<V, T>(ProductOperand<T> t, int n, bool lower, ProductOperand<T> b, int first, int count)
        where V : struct, ISimdVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int width = Vectors * V.Lanes;
        T* panel = stackalloc T[(MaxSize * Vectors * V.Lanes) + 16];
        panel = (T*)(((nint)panel + 63) & ~(nint)63);
        for (int last = first + count; first < last; first += width)
        {
            int systems = Math.Min(width, last - first);
            MatrixPacking.Rows(b, first, systems, 0, n, width, panel);
            SolvePanel<V, T>(t, n, lower, panel);
            MatrixPacking.Unpack(panel, width, b, first, systems, n);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SolvePanel<V, T>(ProductOperand<T> t, int n, bool lower, T* panel)
        where V : struct, ISimdVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int width = Vectors * V.Lanes;
        for (int step = 0; step < n; step++)
        {
            int j = lower ? step : n - 1 - step;
            T* target = panel + (j * width);
            V x0 = V.Load(target), x1 = V.Load(target + V.Lanes), x2 = V.Load(target + (2 * V.Lanes)), x3 = V.Load(target + (3 * V.Lanes));
            int last = lower ? j : n;
            for (int p = lower ? 0 : j + 1; p < last; p++)
            {
                V coefficient = V.Broadcast(-*t.At(j, p));
                T* known = panel + (p * width);
                x0 = V.MultiplyAdd(coefficient, V.Load(known), x0);
                x1 = V.MultiplyAdd(coefficient, V.Load(known + V.Lanes), x1);
                x2 = V.MultiplyAdd(coefficient, V.Load(known + (2 * V.Lanes)), x2);
                x3 = V.MultiplyAdd(coefficient, V.Load(known + (3 * V.Lanes)), x3);
            }
            V inverse = V.Broadcast(T.One / *t.At(j, j));
            V.Store(target, V.Multiply(x0, inverse));
            V.Store(target + V.Lanes, V.Multiply(x1, inverse));
            V.Store(target + (2 * V.Lanes), V.Multiply(x2, inverse));
            V.Store(target + (3 * V.Lanes), V.Multiply(x3, inverse));
        }
    }

    private static int FactorWidest<V512, V256, V128, VScalar, T>(T* a, long stride, int n)
        where V512 : struct, ISimdVector<V512, T>
        where V256 : struct, ISimdVector<V256, T>
        where V128 : struct, ISimdVector<V128, T>
        where VScalar : struct, ISimdVector<VScalar, T>
        where T : unmanaged, IFloatingPointIeee754<T> =>
        Vector512.IsHardwareAccelerated && Avx512F.IsSupported ? FactorWith<V512, T>(a, stride, n)
        : Vector256.IsHardwareAccelerated && Fma.IsSupported ? FactorWith<V256, T>(a, stride, n)
        : Vector128.IsHardwareAccelerated ? FactorWith<V128, T>(a, stride, n)
        : FactorWith<VScalar, T>(a, stride, n);

    // The columns of the triangle are laid side by side: column j is at j * MaxSize. When a column is done, every later column c
    // loses l_cj times it. Vectors begin at a multiple of the lanes, so some reach above the diagonal, where nothing is read.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int FactorWith<V, T>(T* a, long stride, int n)
        where V : struct, ISimdVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* columns = stackalloc T[(MaxSize * MaxSize) + 16];
        columns = (T*)(((nint)columns + 63) & ~(nint)63);
        new Span<T>(columns, n * MaxSize).Clear();
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
                columns[(j * MaxSize) + i] = a[(i * stride) + j];
        }
        int failed = -1;
        for (int j = 0; j < n; j++)
        {
            T* column = columns + (j * MaxSize);
            T pivot = column[j];
            if (!(pivot > T.Zero && T.IsFinite(pivot)))
            {
                failed = j;
                break;
            }
            T root = T.Sqrt(pivot);
            V inverse = V.Broadcast(T.One / root);
            for (int i = j / V.Lanes * V.Lanes; i < n; i += V.Lanes)
                V.Store(column + i, V.Multiply(V.Load(column + i), inverse));
            column[j] = root;
            for (int c = j + 1; c < n; c++)
            {
                T* target = columns + (c * MaxSize);
                V factor = V.Broadcast(-column[c]);
                for (int i = c / V.Lanes * V.Lanes; i < n; i += V.Lanes)
                    V.Store(target + i, V.MultiplyAdd(factor, V.Load(column + i), V.Load(target + i)));
            }
        }
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
                a[(i * stride) + j] = columns[(j * MaxSize) + i];
        }
        return failed;
    }

    private struct Work<V512, V256, V128, VScalar, T> : ITeamWork
        where V512 : struct, ISimdVector<V512, T>
        where V256 : struct, ISimdVector<V256, T>
        where V128 : struct, ISimdVector<V128, T>
        where VScalar : struct, ISimdVector<VScalar, T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public ProductOperand<T> Triangle, Systems;
        public int Size, Count;
        public bool Lower;

        public readonly void Invoke(int index)
        {
            int first = index * SystemsPerTask, systems = Math.Min(SystemsPerTask, Count - first);
            if (Vector512.IsHardwareAccelerated && Avx512F.IsSupported)
                SolveSome<V512, T>(Triangle, Size, Lower, Systems, first, systems);
            else if (Vector256.IsHardwareAccelerated && Fma.IsSupported)
                SolveSome<V256, T>(Triangle, Size, Lower, Systems, first, systems);
            else if (Vector128.IsHardwareAccelerated)
                SolveSome<V128, T>(Triangle, Size, Lower, Systems, first, systems);
            else
                SolveSome<VScalar, T>(Triangle, Size, Lower, Systems, first, systems);
        }
    }
}
