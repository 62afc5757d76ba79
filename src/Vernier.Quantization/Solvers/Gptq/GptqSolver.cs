using Vernier.Grids;
using Vernier.Numerics;
using Vernier.Quantization.Recipes;

namespace Vernier.Quantization.Solvers.Gptq;

/// <summary>
/// GPTQ: the columns are rounded one after the other, and what rounding one of them loses is made up for by those that are not rounded yet:
/// q_j = round(w_j), e = w_j - q_j, w_k = w_k - e U_jk / U_jj for k > j, with U of <see cref="GptqFactor"/>. O(C^3 + R C^2). Rows do not
/// depend on each other, so the result is the same on any number of threads.
/// <para>E. Frantar, S. Ashkboos, T. Hoefler, D. Alistarh: GPTQ: accurate post-training quantization for generative pre-trained transformers,
/// 2023. Differently from the authors' code the weights of dead channels are rounded to nearest, not set to zero, and blocks end where a group
/// begins, so that a group is fitted to weights in which nothing is outstanding.</para>
/// </summary>
internal sealed class GptqSolver(SolverStep step)
{
    /// <summary>Rows that share what is read of the factor.</summary>
    private const int MostRowsPerTask = 128;

    /// <summary>Columns that get their errors one by one; the rest of the block gets them of so many columns at once.</summary>
    private const int PieceColumns = 32;

    /// <summary>Solves a layer.</summary>
    /// <param name="problem">The layer.</param>
    /// <param name="factor">The factor of its Gram matrix, in the order in which the columns are to be taken.</param>
    public LayerSolution Solve(LayerProblem problem, GptqFactor factor)
    {
        float[] importance = ColumnWeights.Of(problem.Objective, step.Importance, factor);
        bool whole = problem.Spec.Granularity.GroupColumns < 0;
        bool fixedScales = step.Groups == GroupFit.Static || whole;
        // One scale of the matrix depends on all rows, so that it is always found beforehand.
        LayerSolution solution = fixedScales ? LayerSolution.Nearest(problem, importance) : new LayerSolution(problem.Spec, problem.Grids);
        int[] ends = Blocks(problem.Columns, solution.Width, step.BlockColumns);
        // At least eight tasks, of whole tiles of rows.
        int perTask = Math.Clamp((problem.Rows / 8 + 7) / 8 * 8, 8, MostRowsPerTask), tasks = (problem.Rows + perTask - 1) / perTask;
        ParallelLoop.For(tasks, task => SolveRows(problem, factor, solution, fixedScales ? null : importance, ends, task * perTask, Math.Min(perTask, problem.Rows - task * perTask)));
        return solution;
    }

    /// <summary>Where the blocks end: after so many columns, but where a granule begins rather than within one, if one begins.</summary>
    internal static int[] Blocks(int columns, int width, int blockColumns)
    {
        var ends = new List<int>();
        for (int first = 0; first < columns;)
        {
            int end = (int)Math.Min(columns, (long)first + blockColumns), boundary = end / width * width;
            first = boundary > first ? boundary : end;
            ends.Add(first);
        }
        return [.. ends];
    }

    private static unsafe void SolveRows(LayerProblem problem, GptqFactor factor, LayerSolution solution, float[]? importance, int[] ends, int firstRow, int rows)
    {
        int columns = problem.Columns, widest = ends.Zip(ends.Prepend(0), (end, start) => end - start).Max();
        using var weightBuffer = new PooledArray<float>(rows * columns);
        using var errorBuffer = new PooledArray<float>(rows * widest);
        using var granuleCodes = new PooledArray<byte>(Math.Min(columns, solution.Width));
        var grids = new GranuleGrid[solution.Granules];
        for (int row = 0; row < rows; row++)
        {
            for (int place = 0; place < columns; place++)
                weightBuffer.Span[row * columns + place] = problem.Weights[(firstRow + row) * columns + factor.Order[place]];
        }
        fixed (float* weights = weightBuffer.Span, errors = errorBuffer.Span, carry = factor.Carry)
        {
            int first = 0;
            foreach (int end in ends)
            {
                for (int start = first; start < end;)
                {
                    int stop = Math.Min(end, start + PieceColumns), boundary = stop / solution.Width * solution.Width;
                    // As blocks do, pieces end where a group begins that would not end within them.
                    if (boundary > start)
                        stop = boundary;
                    for (int row = 0; row < rows; row++)
                    {
                        int matrixRow = firstRow + row;
                        if (importance is null)
                        {
                            for (int granule = 0; granule < grids.Length; granule++)
                                grids[granule] = solution.Grid(matrixRow, granule);
                        }
                        float* line = weights + (long)row * columns;
                        for (int place = start; place < stop; place++)
                        {
                            int column = factor.Order[place], granule = column / solution.Width;
                            if (importance is not null && place == granule * solution.Width)
                                Fit(problem, solution, importance, matrixRow, granule, new ReadOnlySpan<float>(line, columns), granuleCodes.Span);
                            if (importance is not null && (place == start || place == granule * solution.Width))
                                grids[granule] = solution.Grid(matrixRow, granule);
                            int code = grids[granule].Encode(line[place]);
                            solution.Codes[matrixRow * columns + column] = (byte)code;
                            float error = grids[granule].Decode(code) - line[place];
                            errors[row * widest + place - first] = error;
                            CarryKernel.Run(line + place + 1, 1, stop - place - 1, columns, &error, 1, 1, carry + (long)place * columns + place + 1);
                        }
                    }
                    CarryKernel.Run(weights + stop, rows, end - stop, columns, errors + start - first, stop - start, widest, carry + (long)start * columns + stop);
                    start = stop;
                }
                CarryKernel.Run(weights + end, rows, columns - end, columns, errors, end - first, widest, carry + (long)first * columns + end);
                first = end;
            }
        }
    }

    private static void Fit(LayerProblem problem, LayerSolution solution, float[] importance, int row, int granule, ReadOnlySpan<float> weights, Span<byte> codes)
    {
        int first = granule * solution.Width, count = Math.Min(solution.Width, problem.Columns - first);
        ReadOnlySpan<float> weighting = importance.Length == 0 ? [] : importance.AsSpan(first, count);
        FittedGranule fitted = problem.Fit.Fit(weights.Slice(first, count), weighting, problem.TablesOf(row), codes[..count]);
        solution.Keep(solution.ScaleIndex(row, granule), fitted);
    }
}
