using System.Numerics.Tensors;
using Vernier.Levels;
using Vernier.Memory;
using Vernier.Packing.Scalar;

namespace Vernier.Quantization.Solvers.Scalar;

/// <summary>
/// The scales of least layer objective for given codes. A row is q = sum over granules of s_g v_g, v_g its levels at scale 1; the objective
/// is a
/// quadratic in the scales with the matrix A_gh = v_g H v_h^T and the right-hand side b_g = v_g H w^T. Each scale in turn is set to
/// (b_g - sum over h != g of A_gh s_h) / A_gg, as it will be stored, where that lowers the objective, until none does.
/// </summary>
internal static class ScaleRefinement
{
    private const int MaxRounds = 50;

    /// <summary>Improves the scales of a solution in place. The objective never rises.</summary>
    /// <returns>The number of scales that changed.</returns>
    public static int Improve(MatrixProblem problem, ScalarSolution solution)
    {
        if (problem.Scalar.Granularity.GroupColumns < 0)
            return ImproveWhole(problem, solution);
        var changed = new int[problem.Rows];
        problem.Workers.For(problem.Rows, row => changed[row] = ImproveRow(problem, solution, row));
        return changed.Sum();
    }

    private static int ImproveRow(MatrixProblem problem, ScalarSolution solution, int row)
    {
        int granules = solution.Granules;
        var matrix = new double[granules * granules];
        var right = new double[granules];
        Normal(problem, solution, row, matrix, right);
        Span<Half> scales = solution.Scales.AsSpan(row * granules, granules);
        Half[] before = scales.ToArray();
        for (int round = 0, changes = 1; round < MaxRounds && changes > 0; round++)
        {
            changes = 0;
            for (int g = 0; g < granules; g++)
            {
                double own = matrix[g * granules + g], best = right[g];
                for (int h = 0; h < granules; h++)
                    best -= h == g ? 0 : matrix[g * granules + h] * (double)scales[h];
                changes += TryKeep(ref scales[g], own, best, problem.Scalar) ? 1 : 0;
            }
        }
        int changed = 0;
        for (int g = 0; g < granules; g++)
            changed += scales[g] == before[g] ? 0 : 1;
        return changed;
    }

    private static int ImproveWhole(MatrixProblem problem, ScalarSolution solution)
    {
        var own = new double[problem.Rows];
        var right = new double[problem.Rows];
        problem.Workers.For(problem.Rows, row => Normal(problem, solution, row, own.AsSpan(row, 1), right.AsSpan(row, 1)));
        return TryKeep(ref solution.Scales[0], own.Sum(), right.Sum(), problem.Scalar) ? 1 : 0;
    }

    /// <summary>Sets a scale to right / own, as it is stored, if that lowers own s^2 - 2 right s.</summary>
    private static bool TryKeep(ref Half scale, double own, double right, ScalarLayout layout)
    {
        if (!(own > 0))
            return false;
        double best = right / own;
        int table = BitConverter.HalfToUInt16Bits(scale) & (layout.Tables - 1);
        Half stored = layout.ScaleFormat == ScaleFormat.Half ? StoredScale.Nearest(best, table, layout.Tables)
            : StoredScale.Nearest(best, layout.ScaleFormat);
        if (!Half.IsFinite(stored) || !(Math.Abs((double)stored - best) < Math.Abs((double)scale - best)))
            return false;
        scale = stored;
        return true;
    }

    private static void Normal(MatrixProblem problem, ScalarSolution solution, int row, Span<double> matrix, Span<double> right)
    {
        int columns = problem.Columns, granules = solution.Granules, width = solution.Width;
        using var levelBuffer = new PooledArray<double>(columns);
        using var productBuffer = new PooledArray<double>(columns);
        Span<double> levels = levelBuffer.Span, product = productBuffer.Span;
        ReadOnlySpan<byte> codes = solution.Codes.AsSpan(row * columns, columns);
        ReadOnlySpan<float> weights = problem.Weights.AsSpan(row * columns, columns);
        for (int g = 0; g < granules; g++)
        {
            GranuleGrid grid = solution.Grid(row, g);
            for (int i = g * width; i < Math.Min(columns, (g + 1) * width); i++)
                levels[i] = grid.Level(codes[i]);
        }
        for (int g = 0; g < granules; g++)
        {
            product.Clear();
            for (int i = g * width; i < Math.Min(columns, (g + 1) * width); i++)
            {
                if (levels[i] != 0)
                    TensorPrimitives.MultiplyAdd(problem.Objective.Row(i), levels[i], product, product);
            }
            for (int h = 0; h < granules; h++)
            {
                int first = h * width, count = Math.Min(width, columns - first);
                matrix[g * granules + h] = TensorPrimitives.Dot<double>(product.Slice(first, count), levels.Slice(first, count));
            }
            double sum = 0;
            for (int i = 0; i < columns; i++)
                sum += product[i] * weights[i];
            right[g] = sum;
        }
    }
}
