using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers.Codebooks;
using Vernier.Quantization.Solvers.Dmmv;
using Vernier.Quantization.Solvers.Gptq;
using Vernier.Quantization.Solvers.Outliers;
using Vernier.Quantization.Solvers.QuantEase;
using Vernier.Quantization.Solvers.Relaxed;

namespace Vernier.Quantization.Solvers;

/// <summary>What became of a layer's objective.</summary>
/// <param name="Solution">The codes.</param>
/// <param name="Nearest">The relative layer objective of the nearest levels on the same grid.</param>
/// <param name="Objective">The relative layer objective of the solution.</param>
/// <param name="Damping">The damping with which the Gram matrix was factored, relative to its mean diagonal; 0 where it was not needed.</param>
/// <param name="DeadChannels">The input channels that were zero on all tokens.</param>
/// <param name="Fallback">Why the weights were rounded to nearest, in place of the recipe's solver; null where they were not.</param>
public sealed record LayerResult(LayerSolution Solution, double Nearest, double Objective, double Damping, int DeadChannels, string? Fallback);

/// <summary>Solves a layer by the steps of a recipe.</summary>
public sealed class LayerSolver(IReadOnlyList<SolverStep> steps)
{
    /// <summary>Solves a layer. The result is the same on any number of threads.</summary>
    public LayerResult Solve(LayerProblem problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        if (problem.Spec.OutlierValues == 0)
            return Solve(problem, null, null);
        // The steps see the weights without their outliers, which begin as the largest weights.
        OutlierSet set = OutlierSet.Largest(problem, problem.Weights);
        set.Take(problem.Weights);
        return Solve(set.Remaining(problem), problem, set);
    }

    private LayerResult Solve(LayerProblem problem, LayerProblem? whole, OutlierSet? set)
    {
        LayerSolution nearest = LayerSolution.Nearest(problem, []);
        if (problem.Objective.MeanDiagonal == 0)
            return new LayerResult(WithOutliers(nearest), 0, 0, 0, problem.Objective.DeadChannels.Count, "no data: its inputs were zero on all tokens, or there were none");
        double before = Relative(nearest), damping = 0;
        LayerSolution? solution = null;
        foreach (SolverStep step in steps)
        {
            switch (step.Method)
            {
                case SolverMethod.Nearest:
                    solution = step.Importance == ColumnImportance.None ? nearest.Copy() : LayerSolution.Nearest(problem, ColumnWeights.Of(problem.Objective, step));
                    break;
                case SolverMethod.Gptq:
                    if (GptqFactor.Of(problem.Objective, step) is not GptqFactor factor)
                        return new LayerResult(WithOutliers(nearest), before, before, 0, problem.Objective.DeadChannels.Count, "its Gram matrix can't be factored with any damping");
                    damping = factor.Damping;
                    solution = new GptqSolver(step).Solve(problem, factor);
                    break;
                case SolverMethod.Quantease:
                    Descend(problem, solution!, step);
                    break;
                case SolverMethod.Scales:
                    ScaleRefinement.Improve(problem, solution!);
                    break;
                case SolverMethod.Codebooks:
                    solution = ScalarCodebooks.Improve(problem, solution!, step.Iterations);
                    break;
                case SolverMethod.Jlcm:
                    solution = LearnAll(problem, solution!, new JointCodebook(problem, solution!, step));
                    break;
                case SolverMethod.Adaround:
                    solution = new AdaRound(problem, solution!, step).Run();
                    break;
                case SolverMethod.Flexround:
                    solution = new FlexRound(problem, solution!, step).Run();
                    break;
                case SolverMethod.Outliers:
                    set = OutlierSolver.Improve(whole!, set!, solution!, step.Sweeps);
                    problem = set.Remaining(whole!);
                    break;
                case SolverMethod.Dmmv:
                    MaxViolationSolver.Improve(problem, solution!, step.Sweeps);
                    break;
                case SolverMethod.Nupes:
                    solution = LearnAll(problem, solution!, new SoftRound(problem, solution!, step));
                    break;
            }
        }
        return new LayerResult(WithOutliers(solution!), before, Relative(solution!), damping, problem.Objective.DeadChannels.Count, null);

        LayerSolution WithOutliers(LayerSolution codes)
        {
            LayerSolution all = codes.Copy();
            all.Outliers = set;
            return all;
        }

        double Relative(LayerSolution codes) => (whole ?? problem).Relative(WithOutliers(codes));
    }

    // On the learned grids each row takes the learned codes or those of the start, whichever is better once scales are refitted; then the better grids are kept.
    internal static LayerSolution LearnAll(LayerProblem problem, LayerSolution start, RelaxedRounding learning)
    {
        LayerSolution learned = learning.Run(), kept = start.WithGrids(learned.Grids);
        ScaleRefinement.Improve(problem, learned);
        ScaleRefinement.Improve(problem, kept);
        ScaleRefinement.Improve(problem, start);
        if (problem.Spec.Granularity.GroupColumns >= 0)
        {
            double[] ofKept = problem.Objective.RowValues(problem.Weights, kept.Decode()), ofLearned = problem.Objective.RowValues(problem.Weights, learned.Decode());
            for (int row = 0; row < problem.Rows; row++)
            {
                if (ofKept[row] < ofLearned[row])
                    learned.TakeRow(kept, row);
            }
        }
        return problem.Relative(learned) < problem.Relative(start) ? learned : start;
    }

    private static void Descend(LayerProblem problem, LayerSolution solution, SolverStep step)
    {
        if (!step.RefitScales)
        {
            QuantEaseSolver.Improve(problem, solution, step.Sweeps);
            return;
        }
        for (int sweep = 0; sweep < step.Sweeps; sweep++)
        {
            int scales = ScaleRefinement.Improve(problem, solution);
            long codes = QuantEaseSolver.Improve(problem, solution, 1);
            if (scales == 0 && codes == 0)
                return;
        }
        ScaleRefinement.Improve(problem, solution);
    }
}
