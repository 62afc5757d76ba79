using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Quantization.Solvers.Relaxed;

/// <summary>The end of learnings that change the level tables.</summary>
internal static class LearnedTables
{
    /// <summary>
    /// On the learned tables each row takes the learned codes or those of the start, whichever is better once scales are refitted; then the
    /// better tables are kept.
    /// </summary>
    /// <param name="problem">The layer.</param>
    /// <param name="start">The codes to start from; its scales are refitted.</param>
    /// <param name="learning">What learns.</param>
    public static ScalarSolution Keep(MatrixProblem problem, ScalarSolution start, RelaxedRounding learning)
    {
        ScalarSolution learned = learning.Run(), kept = start.WithGrids(learned.Grids);
        ScaleRefinement.Improve(problem, learned);
        ScaleRefinement.Improve(problem, kept);
        ScaleRefinement.Improve(problem, start);
        if (problem.Scalar.Granularity.GroupColumns >= 0)
        {
            double[] ofKept = problem.Objective.RowValues(problem.Weights, kept.Decode()),
                ofLearned = problem.Objective.RowValues(problem.Weights, learned.Decode());
            for (int row = 0; row < problem.Rows; row++)
            {
                if (ofKept[row] < ofLearned[row])
                    learned.TakeRow(kept, row);
            }
        }
        return problem.Relative(learned) < problem.Relative(start) ? learned : start;
    }
}
