using System.Numerics.Tensors;
using Vernier.Memory;
using Vernier.Numerics;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Quantization.Solvers.Dmmv;

/// <summary>
/// Discrete minimisation of the maximum violation: for each row q of the codes, min over the grid of max_i |(w - q) x_i| over the observed
/// inputs x_i. Local
/// search: of the input that is violated most, the columns of the largest |x_ij| are tried, each a code up and a code down; the move that
/// lowers the
/// greatest violation most is taken, or, where several inputs share it, one that leaves fewer of them. It ends where no such move helps, or
/// after as
/// many moves as allowed. The greatest violation never rises; the squared error may.
/// <para>Our reconstruction from the abstract of DMMV; the choice of the moves and the start are ours.</para>
/// </summary>
internal static class MaxViolationSolver
{
    private const int Candidates = 24;
    private const float Tie = 1e-6f;

    /// <summary>Improves a solution in place.</summary>
    /// <param name="problem">The layer, with samples of its input.</param>
    /// <param name="solution">The codes to start from.</param>
    /// <param name="moves">The most moves of a row.</param>
    /// <returns>The number of codes that were moved.</returns>
    public static long Improve(MatrixProblem problem, ScalarSolution solution, int moves)
    {
        int columns = problem.Columns, samples = problem.Samples.Length / columns;
        if (samples == 0)
            return 0;
        // Column by column: a move of one code changes the violations by a multiple of its column.
        var byColumn = new float[problem.Samples.Length];
        for (int i = 0; i < samples; i++)
        {
            for (int j = 0; j < columns; j++)
                byColumn[j * samples + i] = problem.Samples[i * columns + j];
        }
        float[] violations = Violations(problem, solution);
        var moved = new long[problem.Rows];
        problem.Workers.For(problem.Rows, row => moved[row] =
            ImproveRow(problem, solution, byColumn, row, moves, violations.AsSpan(row * samples, samples)));
        return moved.Sum();
    }

    /// <summary>(W - Q) X^T, R x samples.</summary>
    internal static float[] Violations(MatrixProblem problem, ScalarSolution solution)
    {
        int samples = problem.Samples.Length / problem.Columns;
        float[] errors = solution.Decode();
        TensorPrimitives.Subtract(problem.Weights, errors, errors);
        var violations = new float[problem.Rows * samples];
        MatrixProduct.MultiplyTransposed(errors, problem.Samples, violations, problem.Rows, samples, problem.Columns, problem.Workers);
        return violations;
    }

    private static int ImproveRow(MatrixProblem problem, ScalarSolution solution, float[] byColumn, int row, int moves,
        Span<float> violations)
    {
        int columns = problem.Columns, samples = violations.Length;
        Span<byte> codes = solution.Codes.AsSpan(row * columns, columns);
        var grids = new GranuleGrid[solution.Granules];
        for (int granule = 0; granule < grids.Length; granule++)
            grids[granule] = solution.Grid(row, granule);
        using var trialBuffer = new PooledArray<float>(samples);
        using var keyBuffer = new PooledArray<float>(columns);
        using var orderBuffer = new PooledArray<int>(columns);
        Span<float> trial = trialBuffer.Span, keys = keyBuffer.Span;
        Span<int> order = orderBuffer.Span;
        for (int move = 0; move < moves; move++)
        {
            int worst = TensorPrimitives.IndexOfMaxMagnitude<float>(violations);
            (float Most, int Count) best = Merit(violations);
            (int Column, int Code, float Step) chosen = (-1, 0, 0);
            for (int j = 0; j < columns; j++)
            {
                keys[j] = -Math.Abs(problem.Samples[worst * columns + j]);
                order[j] = j;
            }
            keys.Sort(order);
            for (int i = 0; i < Math.Min(Candidates, columns); i++)
            {
                int column = order[i];
                GranuleGrid grid = grids[column / solution.Width];
                foreach (int code in (ReadOnlySpan<int>)[codes[column] - 1, codes[column] + 1])
                {
                    if (code < 0 || code > grid.Last)
                        continue;
                    float step = grid.Decode(code) - grid.Decode(codes[column]);
                    // r - step x: a move the wrong way for the worst input can't help.
                    if (step * problem.Samples[worst * columns + column] * violations[worst] <= 0)
                        continue;
                    TensorPrimitives.MultiplyAdd(byColumn.AsSpan(column * samples, samples), -step, violations, trial);
                    (float Most, int Count) merit = Merit(trial);
                    if (merit.Most < best.Most * (1 - Tie) || (merit.Most <= best.Most && merit.Count < best.Count))
                        (best, chosen) = (merit, (column, code, step));
                }
            }
            if (chosen.Column < 0)
                return move;
            TensorPrimitives.MultiplyAdd(byColumn.AsSpan(chosen.Column * samples, samples), -chosen.Step, violations, violations);
            codes[chosen.Column] = (byte)chosen.Code;
        }
        return moves;
    }

    /// <summary>The greatest violation, and how many share it.</summary>
    private static (float Most, int Count) Merit(ReadOnlySpan<float> violations)
    {
        float most = Math.Abs(TensorPrimitives.MaxMagnitude(violations)), bound = most * (1 - Tie);
        int count = 0;
        foreach (float violation in violations)
            count += Math.Abs(violation) >= bound ? 1 : 0;
        return (most, count);
    }
}
