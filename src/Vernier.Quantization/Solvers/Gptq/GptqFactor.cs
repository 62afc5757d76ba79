using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using Vernier.Numerics;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Recipes;

namespace Vernier.Quantization.Solvers.Gptq;

/// <summary>
/// What GPTQ needs of H: with U^T U = (H + d m I)^-1, U upper triangular, m the mean diagonal and d the damping, the rows of U divided by
/// their diagonals. Rounding column j with error e then costs e^2 / U_jj^2, and column k > j makes up for it with e U_jk / U_jj.
/// <para>No inverse is formed: the factor R of H = R R^T, R upper triangular, is the Cholesky factor of H with both its orders reversed,
/// and U = R^-1.</para>
/// </summary>
internal sealed class GptqFactor
{
    private const double LargestDamping = 1e4;
    private const double LeastPivot = 1e-10;
    private const double FirstDamping = 1e-6;
    private const int RowsPerTask = 64;

    // Layers that share their input share its factor, for as long as the Gram matrix is there.
    private static readonly ConditionalWeakTable<LayerObjective, Dictionary<(ColumnOrder, double), GptqFactor?>> s_factors = [];

    private GptqFactor(int[] order, float[] carry, double[] cost, double damping) => (Order, Carry, Cost, Damping) = (order, carry, cost, damping);

    /// <summary>The column that is taken at each place.</summary>
    public int[] Order { get; }

    /// <summary>U_jk / U_jj for k > j, C x C by places, 0 elsewhere.</summary>
    public float[] Carry { get; }

    /// <summary>1 / U_jj^2 by places.</summary>
    public double[] Cost { get; }

    /// <summary>The damping with which H could be factored, relative to its mean diagonal.</summary>
    public double Damping { get; }

    /// <summary>The factor in the order and with the damping of a step; as <see cref="Create"/>, but found once for each Gram matrix.</summary>
    public static GptqFactor? Of(LayerObjective objective, SolverStep step)
    {
        Dictionary<(ColumnOrder, double), GptqFactor?> factors = s_factors.GetOrCreateValue(objective);
        lock (factors)
        {
            if (!factors.TryGetValue((step.Order, step.Damping), out GptqFactor? factor))
                factors[(step.Order, step.Damping)] = factor = Create(objective, step.Order == ColumnOrder.Activation ? ActivationOrder(objective) : NaturalOrder(objective.Columns), step.Damping);
            return factor;
        }
    }

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
    /// rounded on their own.
    /// </summary>
    /// <param name="objective">H.</param>
    /// <param name="order">The column at each place.</param>
    /// <param name="damping">What is added to the diagonal, relative to its mean; at least 0.</param>
    /// <returns>The factor, or null where H can't be factored with any damping.</returns>
    public static GptqFactor? Create(LayerObjective objective, int[] order, double damping)
    {
        int n = order.Length;
        double mean = objective.MeanDiagonal;
        for (; mean > 0 && double.IsFinite(mean) && damping <= LargestDamping; damping = damping == 0 ? FirstDamping : 10 * damping)
        {
            double[] matrix = Reversed(objective, order, damping * mean, mean);
            var view = new MatrixSpan<double>(matrix, n, n);
            double[] diagonal = Diagonal(matrix, n);
            if (!Cholesky.TryFactor(view, out _) || !IsWellFounded(matrix, n, diagonal))
                continue;
            Cholesky.InvertTriangle(view);
            var carry = new float[n * n];
            var cost = new double[n];
            ParallelLoop.For((n + RowsPerTask - 1) / RowsPerTask, task =>
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
                return new GptqFactor(order, carry, cost, damping);
        }
        return null;
    }

    /// <summary>The columns as they stand.</summary>
    public static int[] NaturalOrder(int columns) => [.. Enumerable.Range(0, columns)];

    /// <summary>The columns by falling energy; those of the same energy as they stand.</summary>
    public static int[] ActivationOrder(LayerObjective objective) =>
        [.. Enumerable.Range(0, objective.Columns).OrderByDescending(column => objective.Diagonal[column])];

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
        ParallelLoop.For((n + RowsPerTask - 1) / RowsPerTask, task =>
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
