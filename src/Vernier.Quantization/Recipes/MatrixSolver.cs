using System.Diagnostics;
using Vernier.Quantization.Solvers;

namespace Vernier.Quantization.Recipes;

/// <summary>Solves matrices of any family by the steps of a recipe. The result is the same on any number of threads.</summary>
/// <param name="steps">The steps, of which the first makes codes.</param>
public sealed class MatrixSolver(IReadOnlyList<SolverStep> steps)
{
    /// <summary>Solves a matrix. Without data it is rounded to nearest, and where a step can't be taken too: the report says so.</summary>
    /// <exception cref="ArgumentException">There is no family for the layout.</exception>
    /// <exception cref="OperationCanceledException">The problem's token was cancelled.</exception>
    public MatrixOutcome Solve(MatrixProblem problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        long start = Stopwatch.GetTimestamp();
        SolverState state = Run(problem, out MatrixReport report);
        return new MatrixOutcome(state.Pack(), report with { Seconds = Stopwatch.GetElapsedTime(start).TotalSeconds });
    }

    /// <summary>Takes the steps.</summary>
    /// <param name="problem">The matrix.</param>
    /// <param name="report">Receives what became of it, but for the time.</param>
    /// <returns>The matrix behind the last step.</returns>
    internal SolverState Run(MatrixProblem problem, out MatrixReport report)
    {
        var state = new SolverState(problem, SolutionFamilies.Of(problem.Layout.GetType()));
        int dead = problem.Objective.IsKnown ? problem.Objective.DeadChannels.Count : 0;
        report = new MatrixReport(0, 0, 0, dead, problem.Objective.IsKnown ? Fallback.NoData : null, 0);
        if (problem.Objective.MeanDiagonal == 0)
            return state;
        double nearest = state.Relative(state.Nearest);
        foreach (SolverStep step in steps)
        {
            problem.Cancellation.ThrowIfCancellationRequested();
            if (step.Apply(state) is not Fallback fallback)
                continue;
            state.Solution = state.Nearest;
            report = report with { Nearest = nearest, Objective = nearest, Fallback = fallback };
            return state;
        }
        state.Solution.KeepZeros(state.Problem.Weights);
        report = new MatrixReport(nearest, state.Relative(state.Solution), state.Damping, dead, null, 0);
        return state;
    }
}
