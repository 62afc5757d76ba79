using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Tests.Solvers;

/// <summary>A layer on a scalar grid behind some steps.</summary>
internal sealed record SteppedLayer(SolverState State, MatrixReport Report)
{
    /// <summary>The codes, without outliers.</summary>
    public ScalarSolution Solution => (ScalarSolution)State.Solution;

    public double Nearest => Report.Nearest;

    public double Objective => Report.Objective;

    public Fallback? Fallback => Report.Fallback;
}

/// <summary>Takes steps, and shows what they leave before it is packed.</summary>
internal sealed class StepRun(IReadOnlyList<SolverStep> steps)
{
    public SteppedLayer Solve(MatrixProblem problem) => new(new MatrixSolver(steps).Run(problem, out MatrixReport report), report);
}
