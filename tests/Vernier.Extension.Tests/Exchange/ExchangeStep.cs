using Vernier.Packing;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Tests.Exchange;

/// <summary>
/// A step that src/ does not have: each code is exchanged for a neighbour where the layer objective falls. With g = (Q - W) H a change of
/// d in column j changes the objective by 2 d g_j + d^2 H_jj.
/// </summary>
public sealed record ExchangeStep : ScalarStep
{
    /// <summary>The most sweeps over the columns, 1 to 100. Default 4.</summary>
    public int Sweeps { get; init; } = 4;

    public override string? Problem => Sweeps is < 1 or > 100 ? "an exchange takes 1 to 100 sweeps" : null;

    public override StepCost Cost(PackedLayout layout, SolutionFamily family) =>
        new(16L * layout.Columns, Double: 2.0 * Sweeps * layout.Rows * layout.Columns * layout.Columns);

    protected override ScalarSolution Improve(SolverState state, ScalarSolution solution)
    {
        for (int row = 0; row < solution.Rows; row++)
            ImproveRow(state.Problem, solution, row);
        return solution;
    }

    private void ImproveRow(MatrixProblem problem, ScalarSolution solution, int row)
    {
        LayerObjective objective = problem.Objective;
        int columns = solution.Columns;
        Span<byte> codes = solution.Codes.AsSpan(row * columns, columns);
        var weights = new float[columns];
        solution.DecodeRow(row, weights);
        var gradient = new double[columns];
        for (int j = 0; j < columns; j++)
            Add(gradient, weights[j] - problem.Weights[row * columns + j], objective.Row(j));
        bool changed = true;
        for (int sweep = 0; sweep < Sweeps && changed; sweep++)
        {
            changed = false;
            for (int j = 0; j < columns; j++)
            {
                GranuleGrid grid = solution.Grid(row, j / solution.Width);
                (int code, double difference) = Best(grid, codes[j], gradient[j], objective.Diagonal[j]);
                if (code == codes[j])
                    continue;
                codes[j] = (byte)code;
                Add(gradient, difference, objective.Row(j));
                changed = true;
            }
        }
    }

    private static (int Code, double Difference) Best(GranuleGrid grid, int code, double gradient, double diagonal)
    {
        (int best, double difference, double least) = (code, 0, 0);
        foreach (int other in (ReadOnlySpan<int>)[code - 1, code + 1])
        {
            if (other < 0 || other > grid.Last)
                continue;
            double d = (double)grid.Decode(other) - grid.Decode(code), change = 2 * d * gradient + d * d * diagonal;
            if (change < least)
                (best, difference, least) = (other, d, change);
        }
        return (best, difference);
    }

    private static void Add(double[] sum, double factor, ReadOnlySpan<double> row)
    {
        for (int i = 0; i < sum.Length; i++)
            sum[i] += factor * row[i];
    }
}
