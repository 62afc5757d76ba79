using Vernier.Grids.Specs;
using Vernier.Packing;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Quantization.Solvers.QuantEase;

/// <summary>Coordinate descent on the codes: see <see cref="QuantEaseSolver"/>.</summary>
public sealed record QuantEaseStep : SolverStep
{
    /// <summary>The most sweeps over all columns; at least 1, default 30.</summary>
    public int Sweeps { get; init; } = 30;

    /// <summary>Whether the scales, or codebooks, are refitted after each sweep. Default no.</summary>
    public bool RefitScales { get; init; }

    /// <inheritdoc/>
    public override bool RefitsScales => RefitScales;

    /// <inheritdoc/>
    public override string? Problem => Sweeps < 1 ? "there is no sweep" : null;

    /// <inheritdoc/>
    public override string? ProblemWith(GridSpec grid, SolutionFamily family)
    {
        ArgumentNullException.ThrowIfNull(family);
        return family is ScalarFamily or IDescentFamily ? null : $"there is no coordinate descent on {family.Name}";
    }

    /// <inheritdoc/>
    public override Fallback? Apply(SolverState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (state.Family is IDescentFamily family)
            family.Descend(state.Problem, state.Solution, Sweeps, RefitScales);
        else
            Descend(state.Problem, (ScalarSolution)state.Solution);
        return null;
    }

    /// <inheritdoc/>
    /// <remarks>The residuals in double precision, and what the codes decode to.</remarks>
    public override StepCost Cost(PackedLayout layout, SolutionFamily family)
    {
        ArgumentNullException.ThrowIfNull(layout);
        double cube = (double)layout.Rows * layout.Columns * layout.Columns;
        return family is IDescentFamily other ? other.DescentCost(layout, Sweeps, RefitScales)
            : new StepCost(12L * layout.Rows * layout.Columns, 0, 8 * cube);
    }

    private void Descend(MatrixProblem problem, ScalarSolution solution)
    {
        if (!RefitScales)
        {
            QuantEaseSolver.Improve(problem, solution, Sweeps);
            return;
        }
        for (int sweep = 0; sweep < Sweeps; sweep++)
        {
            int scales = ScaleRefinement.Improve(problem, solution);
            long codes = QuantEaseSolver.Improve(problem, solution, 1);
            if (scales == 0 && codes == 0)
                return;
        }
        ScaleRefinement.Improve(problem, solution);
    }
}
