using Vernier.Files.Gguf.Blocks;
using Vernier.Packing;
using Vernier.Packing.Ggml;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Solvers.Sequential;

namespace Vernier.Quantization.Solvers.Blocks;

/// <summary>
/// The block formats of ggml: better numbers for them, which the same runtimes read. GPTQ on the levels of the format, each block's scales
/// fitted, when its turn comes, to the weights as
/// they are then, with the importance 1 / U_jj^2 of <see cref="GramFactor"/>; then <see cref="BlockDescent"/>. Without data see
/// <see cref="BlockSearch"/>.
/// </summary>
public sealed class BlockFamily : SolutionFamily, ISequentialFamily, IDescentFamily
{
    private const int RowsPerTask = 16, LeastGroup = 32;

    /// <inheritdoc/>
    public override string Name => "a grid of blocks";

    /// <inheritdoc/>
    public bool Takes(ColumnOrder order) => order == ColumnOrder.Natural;

    /// <inheritdoc/>
    public override MatrixSolution Nearest(MatrixProblem problem, ColumnImportance importance, GramFactor? factor)
    {
        ArgumentNullException.ThrowIfNull(problem);
        var layout = (BlockLayout)problem.Layout;
        float[] counts = importance == ColumnImportance.None ? problem.Importance : ColumnWeights.Of(problem.Objective, importance, factor);
        return new BlockSolution(layout, problem.Shift, BlockSearch.Run(AsIs(problem), layout, counts, problem.Workers), problem.Workers);
    }

    /// <inheritdoc/>
    /// <remarks>Columns always count by what an error costs in this sweep.</remarks>
    public MatrixSolution Sequential(MatrixProblem problem, GramFactor factor, ColumnImportance importance)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(factor);
        var layout = (BlockLayout)problem.Layout;
        var solution = new BlockSolution(layout, problem.Shift, problem.Workers);
        var grid = new BlockGrid(layout.Format);
        float[] counts = ColumnWeights.Normalised(factor.Cost), weights = AsIs(problem);
        int columns = problem.Columns, width = Math.Max(layout.Format.BlockColumns, LeastGroup);
        int[] ends = SequentialSweep.Blocks(columns, width);
        ForTasks(problem, (first, rows) =>
        {
            var rounder = new BlockRounder(grid, solution.Parts, counts);
            SequentialSweep.Run(ref rounder, weights.AsSpan(first * columns, rows * columns), first, rows, factor, ends, width);
        });
        return solution;
    }

    /// <inheritdoc/>
    /// <remarks>Integers and halves are refitted in any case.</remarks>
    public void Descend(MatrixProblem problem, MatrixSolution solution, int sweeps, bool refit)
    {
        ArgumentNullException.ThrowIfNull(problem);
        var blocks = (BlockSolution)solution;
        LayerObjective objective = problem.Objective;
        BlockParts[][] parts = blocks.Parts;
        var grid = new BlockGrid(blocks.Format);
        float[] weights = AsIs(problem);
        int columns = problem.Columns;
        ForTasks(problem, (first, rows) =>
        {
            var quantized = new float[rows * columns];
            var residual = new double[quantized.Length];
            for (int row = 0; row < rows; row++)
                blocks.DecodeAsIs(first + row, quantized.AsSpan(row * columns, columns));
            objective.Residual(weights.AsMemory(first * columns, quantized.Length), quantized, residual);
            var descent = new BlockDescent(grid, objective);
            for (int row = 0; row < rows; row++)
                descent.Improve(parts[first + row], quantized.AsSpan(row * columns, columns), residual.AsSpan(row * columns, columns),
                    sweeps);
        });
    }

    /// <inheritdoc/>
    public override StepCost NearestCost(PackedLayout layout)
    {
        ArgumentNullException.ThrowIfNull(layout);
        return new StepCost(24L * layout.Rows * layout.Columns, 2000.0 * layout.Rows * layout.Columns);
    }

    /// <inheritdoc/>
    public StepCost SequentialCost(PackedLayout layout)
    {
        ArgumentNullException.ThrowIfNull(layout);
        return new StepCost(0, 2.0 * layout.Rows * layout.Columns * layout.Columns);
    }

    /// <inheritdoc/>
    public StepCost DescentCost(PackedLayout layout, int sweeps, bool refit)
    {
        ArgumentNullException.ThrowIfNull(layout);
        return new StepCost(0, 0, 10.0 * layout.Rows * layout.Columns * layout.Columns);
    }

    private static float[] AsIs(MatrixProblem problem) =>
        problem.Shift == 0 ? problem.Weights : Array.ConvertAll(problem.Weights, weight => MathF.ScaleB(weight, problem.Shift));

    private static void ForTasks(MatrixProblem problem, Action<int, int> action) => problem.Workers.For(
        (problem.Rows + RowsPerTask - 1) / RowsPerTask, task =>
            action(task * RowsPerTask, Math.Min(RowsPerTask, problem.Rows - task * RowsPerTask)));
}
