namespace Vernier.Numerics;

/// <summary>
/// What the fast paths of this folder compute, as plain loops in double precision. Tests compare against these.
/// </summary>
internal static class NumericsReference
{
    /// <summary>c_ij = sum_p a_ip b_pj.</summary>
    public static double[,] Multiply(double[,] a, double[,] b)
    {
        int m = a.GetLength(0), n = b.GetLength(1), k = a.GetLength(1);
        double[,] c = new double[m, n];
        for (int i = 0; i < m; i++)
        {
            for (int p = 0; p < k; p++)
            {
                for (int j = 0; j < n; j++)
                    c[i, j] += a[i, p] * b[p, j];
            }
        }
        return c;
    }

    /// <summary>a_ji for a_ij.</summary>
    public static double[,] Transpose(double[,] a)
    {
        double[,] result = new double[a.GetLength(1), a.GetLength(0)];
        for (int i = 0; i < result.GetLength(0); i++)
        {
            for (int j = 0; j < result.GetLength(1); j++)
                result[i, j] = a[j, i];
        }
        return result;
    }

    /// <summary>
    /// The lower triangular L with A = L L^T, row by row: l_ij = (a_ij - sum_p l_ip l_jp) / l_jj, and the index of the first pivot
    /// a_jj - sum_p l_jp^2 that is not positive and finite, or -1.
    /// </summary>
    public static (double[,] L, int FailedPivot) Factor(double[,] a)
    {
        int n = a.GetLength(0);
        double[,] l = new double[n, n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                double rest = a[i, j];
                for (int p = 0; p < j; p++)
                    rest -= l[i, p] * l[j, p];
                if (i == j && !(rest > 0 && double.IsFinite(rest)))
                    return (l, i);
                l[i, j] = i == j ? Math.Sqrt(rest) : rest / l[j, j];
            }
        }
        return (l, -1);
    }

    /// <summary>X with T X = B for a lower or upper triangular T, element by element.</summary>
    public static double[,] Solve(double[,] t, bool lower, double[,] b)
    {
        int n = t.GetLength(0), m = b.GetLength(1);
        double[,] x = new double[n, m];
        for (int step = 0; step < n; step++)
        {
            int j = lower ? step : n - 1 - step;
            for (int c = 0; c < m; c++)
            {
                double rest = b[j, c];
                for (int p = lower ? 0 : j + 1; p < (lower ? j : n); p++)
                    rest -= t[j, p] * x[p, c];
                x[j, c] = rest / t[j, j];
            }
        }
        return x;
    }
}
