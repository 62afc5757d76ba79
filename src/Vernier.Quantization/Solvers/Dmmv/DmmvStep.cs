using Vernier.Packing;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Quantization.Solvers.Dmmv;

/// <summary>Local search for the least maximum violation, max_i |(w - q) x_i|, of each row: see <see cref="MaxViolationSolver"/>.</summary>
public sealed record DmmvStep : ScalarStep
{
    private const int Inputs = 1024;

    /// <summary>The most moves of a row; at least 1, default 30.</summary>
    public int Sweeps { get; init; } = 30;

    /// <inheritdoc/>
    public override int Samples => Inputs;

    /// <inheritdoc/>
    public override string? Problem => Sweeps < 1 ? "there is no sweep" : null;

    /// <inheritdoc/>
    /// <remarks>
    /// The samples by rows and by columns, their violations, and what the codes decode to. A move tries some 24 columns on all samples; the
    /// searches seen took about a quarter of the
    /// moves they may.
    /// </remarks>
    public override StepCost Cost(PackedLayout layout, SolutionFamily family)
    {
        ArgumentNullException.ThrowIfNull(layout);
        long rows = layout.Rows, columns = layout.Columns;
        return new StepCost(4L * Inputs * (2 * columns + rows) + 4 * rows * columns, Sweeps / 4.0 * rows * 24 * 4 * Inputs);
    }

    /// <inheritdoc/>
    protected override ScalarSolution Improve(SolverState state, ScalarSolution solution)
    {
        ArgumentNullException.ThrowIfNull(state);
        MaxViolationSolver.Improve(state.Problem, solution, Sweeps);
        return solution;
    }
}
