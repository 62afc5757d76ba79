using Vernier.Quantization.Solvers.Relaxed;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Quantization.Solvers.AdaRound;

/// <summary>Learned rounding to the level below or above: see <see cref="AdaRoundSolver"/>.</summary>
public sealed record AdaRoundStep : PenalisedStep
{
    /// <inheritdoc/>
    protected override ScalarSolution Improve(SolverState state, ScalarSolution solution)
    {
        ArgumentNullException.ThrowIfNull(state);
        return new AdaRoundSolver(state.Problem, solution, this).Run();
    }
}
