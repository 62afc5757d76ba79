using Vernier.Grids.Specs;

namespace Vernier.Quantization.Solvers.Scalar;

/// <summary>A step that improves codes of scalar grids, and of no others.</summary>
public abstract record ScalarStep : SolverStep
{
    /// <inheritdoc/>
    public override string? ProblemWith(GridSpec grid, SolutionFamily family)
    {
        ArgumentNullException.ThrowIfNull(family);
        return family is ScalarFamily ? null : $"it chooses the codes of scalars, which {family.Name} does not have";
    }

    /// <inheritdoc/>
    public sealed override Fallback? Apply(SolverState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        state.Solution = Improve(state, (ScalarSolution)state.Solution);
        return null;
    }

    /// <summary>Improves a solution.</summary>
    /// <param name="state">The matrix, without its outliers in <see cref="SolverState.Problem"/>.</param>
    /// <param name="solution">The solution, which may be changed.</param>
    /// <returns>The solution that takes its place, which may be the same.</returns>
    protected abstract ScalarSolution Improve(SolverState state, ScalarSolution solution);
}
