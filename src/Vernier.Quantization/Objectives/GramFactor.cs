using System.Numerics.Tensors;
using Vernier.Numerics;

namespace Vernier.Quantization.Objectives;

/// <summary>
/// The factor of a Gram matrix H by which GPTQ carries errors over: with U^T U = (H + d m I)^-1, U upper triangular, m the mean diagonal
/// and d the damping, the rows of U divided by
/// their diagonals. Rounding column j with error e then costs e^2 / U_jj^2, and column k > j makes up for it with e U_jk / U_jj.
/// <para>No inverse is formed: the factor R of H = R R^T, R upper triangular, is the Cholesky factor of H with both its orders reversed,
/// and U = R^-1.</para>
/// </summary>
public sealed class GramFactor
{
    /// <summary>What is added to the diagonal where nothing is said, relative to its mean.</summary>
    public const double DefaultDamping = 0.01;

    private const double LargestDamping = 1e4;
    private const double LeastPivot = 1e-10;
    private const double FirstDamping = 1e-6;
    private const int RowsPerTask = 64;

    private GramFactor(int[] order, float[] carry, double[] cost, double damping) =>
        (Order, Carry, Cost, Damping) = (order, carry, cost, damping);

    /// <summary>The column that is taken at each place.</summary>
    public int[] Order { get; }

    /// <summary>U_jk / U_jj for k > j, C x C by places, 0 elsewhere.</summary>
    public float[] Carry { get; }

    /// <summary>1 / U_jj^2 by places.</summary>
    public double[] Cost { get; }

    /// <summary>The damping with which H could be factored, relative to its mean diagonal.</summary>
    public double Damping { get; }

    /// <summary>1 / [H^-1]_jj by places, of the damped H: what an error costs once all other columns have made up for it.</summary>
    public double[] InverseDiagonals()
    {
        int n = Order.Length;
        var sums = new double[n];
        for (int j = 0; j < n; j++)
        {
            // U_jk^2 = carry_jk^2 / cost_j.
            double unit = 1 / Cost[j];
            sums[j] += unit;
            for (int k = j + 1; k < n; k++)
                sums[k] += unit * Carry[j * n + k] * Carry[j * n + k];
        }
        return Array.ConvertAll(sums, sum => 1 / sum);
    }

    /// <summary>
    /// Factors H. Where that fails, the damping grows tenfold and it is tried again. A dead channel is taken out of H: its weights are
    /// rounded on their own. <see cref="LayerObjective.Factor"/> finds it once for all layers of an objective.
    /// </summary>
    /// <param name="objective">H.</param>
    /// <param name="columns">The order of the columns.</param>
    /// <param name="damping">What is added to the diagonal, relative to its mean; at least 0.</param>
    /// <returns>The factor, or null where H can't be factored with any damping.</returns>
    public static GramFactor? Create(LayerObjective objective, ColumnOrder columns, double damping)
    {
        int[] order = OrderOf(objective, columns);
        int n = order.Length;
        double mean = objective.MeanDiagonal;
        for (; mean > 0 && double.IsFinite(mean) && damping <= LargestDamping; damping = damping == 0 ? FirstDamping : 10 * damping)
        {
            double[] matrix = Reversed(objective, order, damping * mean, mean);
            var view = new MatrixSpan<double>(matrix, n, n);
            double[] diagonal = Diagonal(matrix, n);
            if (!Cholesky.TryFactor(view, out _, objective.Workers) || !IsWellFounded(matrix, n, diagonal))
                continue;
            Cholesky.InvertTriangle(view, objective.Workers);
            var carry = new float[n * n];
            var cost = new double[n];
            objective.Workers.For((n + RowsPerTask - 1) / RowsPerTask, task =>
            {
                for (int j = task * RowsPerTask; j < Math.Min(n, (task + 1) * RowsPerTask); j++)
                {
                    ReadOnlySpan<double> row = matrix.AsSpan((n - 1 - j) * n, n);
                    Span<float> target = carry.AsSpan(j * n, n);
                    double pivot = row[n - 1 - j];
                    cost[j] = 1 / (pivot * pivot);
                    for (int k = j + 1; k < n; k++)
                        target[k] = (float)(row[n - 1 - k] / pivot);
                }
            });
            if (float.IsFinite(TensorPrimitives.SumOfMagnitudes<float>(carry)))
                return new GramFactor(order, carry, cost, damping);
        }
        return null;
    }

    // By falling energy columns of the same energy stay as they stand.
    private static int[] OrderOf(LayerObjective objective, ColumnOrder order)
    {
        IEnumerable<int> columns = Enumerable.Range(0, objective.Columns);
        return [.. order == ColumnOrder.Activation ? columns.OrderByDescending(column => objective.Diagonal[column]) : columns];
    }

    private static double[] Diagonal(double[] matrix, int n) => [.. Enumerable.Range(0, n).Select(i => matrix[i * n + i])];

    // A pivot that is so small a part of its diagonal element is what rounding errors in H have left, and not a part of H.
    private static bool IsWellFounded(double[] factor, int n, double[] diagonal)
    {
        for (int i = 0; i < n; i++)
        {
            if (factor[i * n + i] * factor[i * n + i] < LeastPivot * diagonal[i])
                return false;
        }
        return true;
    }

    private static double[] Reversed(LayerObjective objective, int[] order, double added, double mean)
    {
        int n = order.Length;
        var matrix = new double[n * n];
        objective.Workers.For((n + RowsPerTask - 1) / RowsPerTask, task =>
        {
            for (int i = task * RowsPerTask; i < Math.Min(n, (task + 1) * RowsPerTask); i++)
            {
                int row = order[n - 1 - i];
                Span<double> target = matrix.AsSpan(i * n, i + 1);
                if (objective.Diagonal[row] == 0)
                {
                    target[i] = mean;
                    continue;
                }
                ReadOnlySpan<double> source = objective.Row(row);
                for (int j = 0; j <= i; j++)
                    target[j] = source[order[n - 1 - j]];
                target[i] += added;
            }
        });
        return matrix;
    }
}
