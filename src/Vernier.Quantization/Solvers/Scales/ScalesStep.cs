using Vernier.Packing;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Quantization.Solvers.Scales;

/// <summary>The scales of least layer objective for the codes as they are: see <see cref="ScaleRefinement"/>.</summary>
public sealed record ScalesStep : ScalarStep
{
    /// <inheritdoc/>
    public override bool RefitsScales => true;

    /// <inheritdoc/>
    public override StepCost Cost(PackedLayout layout, SolutionFamily family)
    {
        ArgumentNullException.ThrowIfNull(layout);
        return new StepCost(0, 0, 6.0 * layout.Rows * layout.Columns * layout.Columns);
    }

    /// <inheritdoc/>
    protected override ScalarSolution Improve(SolverState state, ScalarSolution solution)
    {
        ArgumentNullException.ThrowIfNull(state);
        ScaleRefinement.Improve(state.Problem, solution);
        return solution;
    }
}
