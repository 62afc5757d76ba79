using Vernier.Memory;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Solvers.Scalar;
using Vernier.Quantization.Solvers.Sequential;

namespace Vernier.Quantization.Solvers.Gptq;

/// <summary>
/// GPTQ on grids of scalars: the columns are rounded one after the other, and what rounding one of them loses is made up for by those that
/// are not rounded yet; see
/// <see cref="SequentialSweep"/>. O(C^3 + R C^2). Rows do not depend on each other, so the result is the same on any number of threads.
/// <para>E. Frantar, S. Ashkboos, T. Hoefler, D. Alistarh: GPTQ: accurate post-training quantization for generative pre-trained
/// transformers,
/// 2023. Differently from the authors' code the weights of dead channels are rounded to nearest, not set to zero, and blocks end where a
/// group
/// begins, so that a group is fitted to weights in which nothing is outstanding.</para>
/// </summary>
/// <param name="step">The options.</param>
/// <param name="blockColumns">Columns after which errors go to all others. The result does not depend on it.</param>
internal sealed class GptqSolver(GptqStep step, int blockColumns = SequentialSweep.BlockColumns)
{
    /// <summary>Rows that share what is read of the factor.</summary>
    private const int MostRowsPerTask = 128;

    /// <summary>Solves a layer.</summary>
    /// <param name="problem">The layer.</param>
    /// <param name="factor">The factor of its Gram matrix, in the order in which the columns are to be taken.</param>
    public ScalarSolution Solve(MatrixProblem problem, GramFactor factor)
    {
        float[] importance = ColumnWeights.Of(problem.Objective, step.Importance, factor);
        // One scale of the matrix depends on all rows, so that it is always found beforehand.
        bool fixedScales = step.Groups == GroupFit.Static || problem.Scalar.Granularity.GroupColumns < 0;
        ScalarSolution solution = fixedScales ? ScalarSolution.Nearest(problem, importance)
            : new ScalarSolution(problem.Scalar, problem.Tables, problem.Workers);
        int[] ends = SequentialSweep.Blocks(problem.Columns, solution.Width, blockColumns);
        // At least eight tasks, of whole tiles of rows.
        int perTask = Math.Clamp((problem.Rows / 8 + 7) / 8 * 8, 8, MostRowsPerTask), tasks = (problem.Rows + perTask - 1) / perTask;
        problem.Workers.For(tasks, task =>
        {
            int first = task * perTask, rows = Math.Min(perTask, problem.Rows - first);
            using var codes = new PooledArray<byte>(Math.Min(problem.Columns, solution.Width));
            var rounder = new ScalarRounder(problem, factor, solution, fixedScales ? null : importance, codes.Memory);
            SequentialSweep.Run(ref rounder, problem.Weights.AsSpan(first * problem.Columns, rows * problem.Columns), first, rows, factor,
                ends, solution.Width);
        });
        return solution;
    }
}
