using Vernier.Packing;
using Vernier.Packing.TwoLevel;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Solvers.Sequential;

namespace Vernier.Quantization.Solvers.TwoLevel;

/// <summary>Codes within integers, by DGQ: scales by <see cref="TwoLevelSearch"/>, then the nearest codes or those of GPTQ.</summary>
public sealed class TwoLevelFamily : SolutionFamily, ISequentialFamily
{
    // What the search takes at a time.
    private const long ChunkBytes = 60_000_000;

    private const int RowsPerTask = 16;

    /// <inheritdoc/>
    public override string Name => "a two-level grid";

    /// <inheritdoc/>
    public override bool Counts(ColumnImportance importance) => importance is ColumnImportance.None or ColumnImportance.Output;

    /// <inheritdoc/>
    public bool Takes(ColumnOrder order) => true;

    /// <inheritdoc/>
    public override float OutlierUnit(MatrixProblem problem) => TwoLevelSolution.Unit;

    /// <inheritdoc/>
    public override MatrixSolution Nearest(MatrixProblem problem, ColumnImportance importance, GramFactor? factor)
    {
        ArgumentNullException.ThrowIfNull(problem);
        TwoLevelSolution solution = Searched(problem, importance);
        problem.Workers.For(problem.Rows, row =>
        {
            for (int at = row * problem.Columns; at < (row + 1) * problem.Columns; at++)
                solution.Codes[at] = (byte)solution.Grid(row, at - row * problem.Columns).Encode(problem.Weights[at]);
        });
        return solution;
    }

    /// <inheritdoc/>
    public MatrixSolution Sequential(MatrixProblem problem, GramFactor factor, ColumnImportance importance)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(factor);
        TwoLevelSolution solution = Searched(problem, importance);
        int columns = problem.Columns;
        int[] ends = SequentialSweep.Blocks(columns, columns);
        problem.Workers.For((problem.Rows + RowsPerTask - 1) / RowsPerTask, task =>
        {
            int first = task * RowsPerTask, rows = Math.Min(RowsPerTask, problem.Rows - first);
            var rounder = new TwoLevelRounder(solution, factor.Order);
            SequentialSweep.Run(ref rounder, problem.Weights.AsSpan(first * columns, rows * columns), first, rows, factor, ends, columns);
        });
        return solution;
    }

    /// <inheritdoc/>
    /// <remarks>Codes, and what is decoded; the search takes chunks.</remarks>
    public override StepCost NearestCost(PackedLayout layout)
    {
        ArgumentNullException.ThrowIfNull(layout);
        return new StepCost(10L * layout.Rows * layout.Columns + ChunkBytes,
            TwoLevelSearch.Operations(layout.Rows, layout.Columns, ((TwoLevelLayout)layout).Width));
    }

    /// <inheritdoc/>
    /// <remarks>H in single precision for the search.</remarks>
    public StepCost SequentialCost(PackedLayout layout)
    {
        ArgumentNullException.ThrowIfNull(layout);
        return new StepCost(4L * layout.Columns * layout.Columns, (double)layout.Rows * layout.Columns * layout.Columns);
    }

    private static TwoLevelSolution Searched(MatrixProblem problem, ColumnImportance importance)
    {
        var layout = (TwoLevelLayout)problem.Layout;
        float[] gram = importance == ColumnImportance.Output ? Single(problem.Objective) : [];
        return new TwoLevelSolution(layout, problem.Workers,
            new TwoLevelSearch(layout, TwoLevelSolution.Unit, gram, problem.Workers).Run(problem.Weights));
    }

    // Of mean diagonal 1, so that single precision holds it.
    private static float[] Single(LayerObjective objective)
    {
        var gram = new float[objective.Gram.Length];
        objective.Workers.For(objective.Columns, row =>
        {
            for (int i = row * objective.Columns; i < (row + 1) * objective.Columns; i++)
                gram[i] = (float)(objective.Gram[i] / objective.MeanDiagonal);
        });
        return gram;
    }
}
