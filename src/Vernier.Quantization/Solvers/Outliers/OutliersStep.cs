using Vernier.Packing;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Quantization.Solvers.Outliers;

/// <summary>The outliers and the codes in turn, so that the layer objective falls: see <see cref="OutlierSolver"/>.</summary>
public sealed record OutliersStep : ScalarStep
{
    /// <summary>The most rounds; at least 1, default 30.</summary>
    public int Sweeps { get; init; } = 30;

    /// <inheritdoc/>
    public override string? Problem => Sweeps < 1 ? "there is no sweep" : null;

    /// <inheritdoc/>
    /// <remarks>
    /// The residual in double precision, what is left of the weights, what the codes decode to, the step in S and its order, and the
    /// descent of Q.
    /// </remarks>
    public override StepCost Cost(PackedLayout layout, SolutionFamily family)
    {
        ArgumentNullException.ThrowIfNull(layout);
        return new StepCost(44L * layout.Rows * layout.Columns, 0, Sweeps * 12.0 * layout.Rows * layout.Columns * layout.Columns);
    }

    /// <inheritdoc/>
    protected override ScalarSolution Improve(SolverState state, ScalarSolution solution)
    {
        ArgumentNullException.ThrowIfNull(state);
        state.TakeOutliers(OutlierSolver.Improve(state.Whole, state.Outliers!, solution, Sweeps));
        return solution;
    }
}
