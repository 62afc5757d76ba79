namespace Vernier.Quantization.Solvers.Vectors;

/// <summary>Systems of a few equations with a symmetric matrix without negative eigenvalues.</summary>
internal static class SmallSystem
{
    private const double LeastPivot = 1e-12;

    /// <summary>Solves A x = b by elimination. An unknown whose pivot is nothing beside the diagonal of A becomes 0.</summary>
    /// <param name="matrix">A, n x n; overwritten.</param>
    /// <param name="right">b; overwritten.</param>
    /// <param name="solution">Receives x.</param>
    public static void Solve(Span<double> matrix, Span<double> right, Span<double> solution)
    {
        int n = right.Length;
        Span<bool> free = stackalloc bool[n];
        for (int i = 0; i < n; i++)
        {
            double diagonal = matrix[i * n + i], before = 0;
            for (int j = 0; j < n; j++)
                before = Math.Max(before, Math.Abs(matrix[j * n + j]));
            free[i] = !(diagonal > LeastPivot * before);
            for (int j = i + 1; j < n && !free[i]; j++)
            {
                double factor = matrix[j * n + i] / diagonal;
                for (int k = i; k < n; k++)
                    matrix[j * n + k] -= factor * matrix[i * n + k];
                right[j] -= factor * right[i];
            }
        }
        for (int i = n - 1; i >= 0; i--)
        {
            double sum = right[i];
            for (int k = i + 1; k < n; k++)
                sum -= matrix[i * n + k] * solution[k];
            solution[i] = free[i] ? 0 : sum / matrix[i * n + i];
        }
    }
}
