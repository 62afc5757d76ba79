using System.Numerics.Tensors;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Quantization.Solvers.QuantEase;

/// <summary>
/// QuantEase: cyclic coordinate descent on the layer objective. With all other weights of a row as they are, the best value of column j is
/// beta = q_j + ((w - q) H)_j / H_jj, and the best level the one nearest to it; the code changes where that lowers the objective. From a
/// solution on the
/// grid the objective never rises. Scales stay as they are.
/// <para>K. Behdin, A. Acharya, A. Gupta, S. Keerthi, R. Mazumder: QuantEase: optimization-based quantization for language models, 2023.
/// The
/// paper also starts from the unquantized weights, and leaves rounding out in some sweeps; both give up that the objective falls, and are
/// not done
/// here.</para>
/// </summary>
internal static class QuantEaseSolver
{
    /// <summary>Improves a solution in place, until no code changes or the sweeps are done.</summary>
    /// <param name="problem">The layer.</param>
    /// <param name="solution">The codes to start from.</param>
    /// <param name="sweeps">The most sweeps over all columns.</param>
    /// <returns>The number of codes that changed.</returns>
    public static long Improve(MatrixProblem problem, ScalarSolution solution, int sweeps)
    {
        var changes = new long[problem.Rows];
        float[] quantized = solution.Decode();
        var residuals = new double[quantized.Length];
        problem.Objective.Residual(problem.Weights, quantized, residuals);
        problem.Workers.For(problem.Rows, row =>
            changes[row] = ImproveRow(problem, solution, row, sweeps, quantized.AsSpan(row * problem.Columns, problem.Columns),
                residuals.AsSpan(row * problem.Columns, problem.Columns)));
        return changes.Sum();
    }

    // The residual r = (w - q) H is kept up to date: a change of column j by d takes d H_j off it.
    private static long ImproveRow(MatrixProblem problem, ScalarSolution solution, int row, int sweeps, Span<float> quantized,
        Span<double> residual)
    {
        int columns = problem.Columns;
        Span<byte> codes = solution.Codes.AsSpan(row * columns, columns);
        double[] diagonal = problem.Objective.Diagonal;
        long all = 0;
        for (int sweep = 0; sweep < sweeps; sweep++)
        {
            long changes = 0;
            for (int granule = 0; granule < solution.Granules; granule++)
            {
                GranuleGrid grid = solution.Grid(row, granule);
                int end = Math.Min(columns, (granule + 1) * solution.Width);
                for (int j = granule * solution.Width; j < end; j++)
                {
                    if (diagonal[j] == 0)
                        continue;
                    double best = quantized[j] + residual[j] / diagonal[j];
                    int code = grid.Nearest(best);
                    float value = grid.Decode(code);
                    if (code == codes[j] || !(Math.Abs(value - best) < Math.Abs(quantized[j] - best)))
                        continue;
                    TensorPrimitives.MultiplyAdd(problem.Objective.Row(j), (double)quantized[j] - value, residual, residual);
                    quantized[j] = value;
                    codes[j] = (byte)code;
                    changes++;
                }
            }
            all += changes;
            if (changes == 0)
                break;
        }
        return all;
    }
}
