using Vernier.Packing;
using Vernier.Packing.Vectors;
using Vernier.Quantization.Objectives;

namespace Vernier.Quantization.Solvers.Vectors;

/// <summary>Vectors of weights that share an index into a codebook.</summary>
public sealed class VectorFamily : SolutionFamily, ISequentialFamily, IDescentFamily, ICodebookFamily
{
    /// <summary>The conjugate gradients between two sweeps of descent: the codebooks are nearly the best already.</summary>
    private const int RefitIterations = 6;

    /// <summary>The gain below which descent with refitted codebooks ends.</summary>
    private const double LeastGain = 1e-3;

    // Fits that were seen took about 30 iterations, and descent ends after a few sweeps.
    private const double FitIterations = 30, SweepsTaken = 6, SearchedEntries = 64;

    /// <inheritdoc/>
    public override string Name => "a grid of vectors";

    /// <inheritdoc/>
    public bool Takes(ColumnOrder order) => order == ColumnOrder.Natural;

    /// <inheritdoc/>
    public override MatrixSolution? Nearest(MatrixProblem problem, ColumnImportance importance, GramFactor? factor)
    {
        ArgumentNullException.ThrowIfNull(problem);
        return factor is null && ColumnWeights.NeedFactor(importance) ? null : Made(problem, importance, factor, null);
    }

    /// <inheritdoc/>
    public MatrixSolution Sequential(MatrixProblem problem, GramFactor factor, ColumnImportance importance)
    {
        ArgumentNullException.ThrowIfNull(problem);
        return Made(problem, importance, factor, factor);
    }

    /// <inheritdoc/>
    public void Descend(MatrixProblem problem, MatrixSolution solution, int sweeps, bool refit)
    {
        ArgumentNullException.ThrowIfNull(problem);
        var vectors = (VectorSolution)solution;
        if (!refit)
        {
            VectorDescent.Improve(problem, vectors, sweeps);
            return;
        }
        double before = problem.Objective.Value(problem.Weights, solution.Decode());
        for (int sweep = 0; sweep < sweeps; sweep++)
        {
            VectorDescent.Improve(problem, vectors, 1);
            CodebookUpdate.Improve(problem, vectors, RefitIterations);
            double now = problem.Objective.Value(problem.Weights, solution.Decode());
            if (!(before - now > LeastGain * before))
                return;
            before = now;
        }
    }

    /// <inheritdoc/>
    public void ImproveCodebooks(MatrixProblem problem, MatrixSolution solution, int iterations) =>
        CodebookUpdate.Improve(problem, (VectorSolution)solution, iterations);

    /// <inheritdoc/>
    /// <remarks>What codebooks decode to and its product with H, two solutions, points and images of a fit.</remarks>
    public override StepCost NearestCost(PackedLayout layout) => new(44 * Weights(layout), FitIterations * Search(layout));

    /// <inheritdoc/>
    public StepCost SequentialCost(PackedLayout layout)
    {
        ArgumentNullException.ThrowIfNull(layout);
        return new StepCost(0, FitIterations * Search(layout) + 2.0 * layout.Columns * Weights(layout));
    }

    /// <inheritdoc/>
    public StepCost DescentCost(PackedLayout layout, int sweeps, bool refit)
    {
        ArgumentNullException.ThrowIfNull(layout);
        return new StepCost(0, SweepsTaken * Search(layout),
            SweepsTaken * (2 + (refit ? 2 * RefitIterations + 4 : 0)) * layout.Columns * Weights(layout));
    }

    private static long Weights(PackedLayout layout) => (long)layout.Rows * layout.Columns;

    private static double Search(PackedLayout layout) => 4 * SearchedEntries * Weights(layout);

    private static VectorSolution Made(MatrixProblem problem, ColumnImportance importance, GramFactor? factor, GramFactor? carried)
    {
        var layout = (VectorLayout)problem.Layout;
        VectorSolution solution = new VectorGptq(
            VectorMetric.Of(problem.Objective, importance, factor, layout.Dimension), carried, problem.Workers)
            .Solve(layout, problem.Weights);
        if (layout.BookRank > 0)
            CodebookProduct.Apply(solution);
        return solution;
    }
}
