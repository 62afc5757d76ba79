using Vernier.Grids.Power;
using Vernier.Grids.Specs;
using Vernier.Quantization.Solvers.Relaxed;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Quantization.Solvers.Nupes;

/// <summary>Learned rounding to any level, with the exponents of the grids learned as well; the scales are refitted: see
/// <see cref="SoftRound"/>.</summary>
public sealed record NupesStep : PenalisedStep
{
    /// <summary>Whether the exponents of power grids are learned. Default no.</summary>
    public bool LearnExponent { get; init; }

    /// <inheritdoc/>
    public override bool RefitsScales => true;

    /// <inheritdoc/>
    public override string? ProblemWith(GridSpec grid, SolutionFamily family) =>
        base.ProblemWith(grid, family) ?? (LearnExponent && grid is not PowerGridSpec ? "only a power grid has an exponent to learn"
            : null);

    /// <inheritdoc/>
    protected override ScalarSolution Improve(SolverState state, ScalarSolution solution)
    {
        ArgumentNullException.ThrowIfNull(state);
        return LearnedTables.Keep(state.Problem, solution, new SoftRound(state.Problem, solution, this));
    }
}
