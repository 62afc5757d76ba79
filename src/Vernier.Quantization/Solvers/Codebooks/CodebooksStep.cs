using Vernier.Grids.Codebook;
using Vernier.Grids.Specs;
using Vernier.Packing;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Quantization.Solvers.Codebooks;

/// <summary>The codebooks of least layer objective for the indices as they are: see <see cref="LeastSquares"/>.</summary>
public sealed record CodebooksStep : SolverStep
{
    /// <summary>The most conjugate gradients; at least 1, default 500.</summary>
    public int Iterations { get; init; } = 500;

    /// <inheritdoc/>
    public override string? Problem => Iterations < 1 ? "there is no iteration" : null;

    /// <inheritdoc/>
    public override string? ProblemWith(GridSpec grid, SolutionFamily family) =>
        grid is CodebookGridSpec || family is ICodebookFamily ? null : "only codebooks can be learned";

    /// <inheritdoc/>
    public override Fallback? Apply(SolverState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (state.Family is ICodebookFamily family)
            family.ImproveCodebooks(state.Problem, state.Solution, Iterations);
        else
            state.Solution = ScalarCodebooks.Improve(state.Problem, (ScalarSolution)state.Solution, Iterations);
        return null;
    }

    /// <inheritdoc/>
    /// <remarks>What the codebooks decode to, its product with H, and where each code's number is.</remarks>
    public override StepCost Cost(PackedLayout layout, SolutionFamily family)
    {
        ArgumentNullException.ThrowIfNull(layout);
        return new StepCost(24L * layout.Rows * layout.Columns, 0, 2.0 * Iterations * layout.Rows * layout.Columns * layout.Columns);
    }
}
