using Vernier.Quantization.Solvers.Relaxed;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Quantization.Solvers.FlexRound;

/// <summary>Learned rounding by division of each weight: see <see cref="FlexRoundSolver"/>.</summary>
public sealed record FlexRoundStep : LearnedStep
{
    /// <inheritdoc/>
    protected override ScalarSolution Improve(SolverState state, ScalarSolution solution)
    {
        ArgumentNullException.ThrowIfNull(state);
        return new FlexRoundSolver(state.Problem, solution, this).Run();
    }
}
