using System.Numerics.Tensors;

namespace Vernier.Numerics;

/// <summary>The product of one vector with the rows of a matrix, bound by memory rather than arithmetic.</summary>
internal static unsafe class RowProduct
{
    private const int MinimumWork = 1 << 17;

    /// <summary>c_j = sum_p a_p b_jp for j = 0 .. n - 1, with b of n x k in row-major order.</summary>
    public static void Multiply(float* a, float* b, float* c, int n, int k, Workers workers)
    {
        int rows = Math.Max(1, MinimumWork / k);
        var work = new Work { A = a, B = b, C = c, N = n, K = k, Rows = rows };
        workers.Run((n + rows - 1) / rows, ref work);
    }

    private struct Work : ITeamWork
    {
        public float* A, B, C;
        public int N, K, Rows;

        public readonly void Invoke(int index)
        {
            var x = new ReadOnlySpan<float>(A, K);
            int end = Math.Min(N, (index + 1) * Rows);
            for (int j = index * Rows; j < end; j++)
                C[j] = TensorPrimitives.Dot(x, new ReadOnlySpan<float>(B + (long)j * K, K));
        }
    }
}
