namespace Vernier.Numerics;

/// <summary>Eigenvalues and eigenvectors of a small symmetric matrix, by Jacobi's rotations.</summary>
internal static class SymmetricEigen
{
    private const int MaxSweeps = 60;

    /// <summary>Finds all of them.</summary>
    /// <param name="matrix">n x n, row by row; it is destroyed.</param>
    /// <param name="n">The size.</param>
    /// <returns>The eigenvalues, descending, and the eigenvectors as the rows of n x n in the same order.</returns>
    public static (double[] Values, double[] Vectors) Of(double[] matrix, int n)
    {
        var vectors = new double[n * n];
        for (int i = 0; i < n; i++)
            vectors[i * n + i] = 1;
        double whole = matrix.Sum(x => x * x);
        for (int sweep = 0; sweep < MaxSweeps; sweep++)
        {
            double off = 0;
            for (int p = 0; p < n; p++)
            {
                for (int q = p + 1; q < n; q++)
                {
                    off += matrix[p * n + q] * matrix[p * n + q];
                    Rotate(matrix, vectors, n, p, q);
                }
            }
            if (!(off > 1e-30 * whole))
                break;
        }
        int[] order = [.. Enumerable.Range(0, n).OrderByDescending(i => matrix[i * n + i])];
        return ([.. order.Select(i => matrix[i * n + i])], [.. order.SelectMany(i => vectors.Skip(i * n).Take(n))]);
    }

    // The rotation that makes the element p, q zero, from both sides. Rows of `vectors` are the vectors.
    private static void Rotate(double[] a, double[] vectors, int n, int p, int q)
    {
        double element = a[p * n + q];
        if (element == 0)
            return;
        double theta = (a[q * n + q] - a[p * n + p]) / (2 * element);
        double t = (theta < 0 ? -1 : 1) / (Math.Abs(theta) + Math.Sqrt(theta * theta + 1)), c = 1 / Math.Sqrt(t * t + 1), s = t * c;
        for (int k = 0; k < n; k++)
        {
            (double kp, double kq) = (a[k * n + p], a[k * n + q]);
            (a[k * n + p], a[k * n + q]) = (c * kp - s * kq, s * kp + c * kq);
        }
        for (int k = 0; k < n; k++)
        {
            (double pk, double qk) = (a[p * n + k], a[q * n + k]);
            (a[p * n + k], a[q * n + k]) = (c * pk - s * qk, s * pk + c * qk);
            (double vp, double vq) = (vectors[p * n + k], vectors[q * n + k]);
            (vectors[p * n + k], vectors[q * n + k]) = (c * vp - s * vq, s * vp + c * vq);
        }
    }
}
