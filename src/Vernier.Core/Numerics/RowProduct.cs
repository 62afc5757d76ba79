using System.Numerics.Tensors;

namespace Vernier.Numerics;

/// <summary>The product of one vector with the rows of a matrix, bound by memory rather than arithmetic.</summary>
internal static unsafe class RowProduct
{
    private const int MinimumWork = 1 << 17;

    /// <summary>c_j = sum_p a_p b_jp for j = 0 .. n - 1, with b of n x k in row-major order.</summary>
    public static void Multiply(float* a, float* b, float* c, int n, int k)
    {
        nint pa = (nint)a, pb = (nint)b, pc = (nint)c;
        int rows = Math.Max(1, MinimumWork / k);
        WorkerTeam.For((n + rows - 1) / rows, index =>
        {
            var x = new ReadOnlySpan<float>((float*)pa, k);
            int end = Math.Min(n, (index + 1) * rows);
            for (int j = index * rows; j < end; j++)
                ((float*)pc)[j] = TensorPrimitives.Dot(x, new ReadOnlySpan<float>((float*)pb + (long)j * k, k));
        });
    }
}
