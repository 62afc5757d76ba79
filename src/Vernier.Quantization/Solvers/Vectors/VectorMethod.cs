using Vernier.Packing;
using Vernier.Packing.Vectors;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers.Gptq;

namespace Vernier.Quantization.Solvers.Vectors;

/// <summary>
/// Vectors of weights that share an index into a codebook. With b bits a weight and vectors of d an index has b d bits, 8 at the most. The group says how much
/// codebooks may take: as the scales of groups of so many columns, 16 / group bits a weight, the block scales that a recipe asks for counted in and the 16 bits for
/// the scale of each codebook aside. Of the rectangles of 16, 32, 64, .. rows and of multiples of 32 columns up to 256 that keep to it, the one with the most codebooks
/// is taken.
/// </summary>
internal sealed class VectorMethod : GridMethod
{
    /// <summary>The columns of a codebook, where it is not the size that asks for more: so that it meets the errors carried over.</summary>
    private const int MostColumns = 256;

    /// <summary>What the columns of a codebook are a multiple of: activations get scales for as many.</summary>
    private const int ColumnStep = 32;

    private const int ScaleBits = 16;

    /// <summary>The conjugate gradients between two sweeps of descent: the codebooks are nearly the best already.</summary>
    private const int RefitIterations = 6;

    /// <summary>The gain below which descent with refitted codebooks ends.</summary>
    private const double LeastGain = 1e-3;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">An index would have more than 8 bits.</exception>
    public override PackedLayout Layout(int rows, int columns, QuantizationOptions options)
    {
        GridPart grid = options.Recipe.Grid;
        int d = grid.Dimension, bits = options.Bits * d;
        if (bits > 8)
            throw new ArgumentException($"the recipe {options.Recipe.Name} takes vectors of {d}: with {options.Bits} bits a weight an index would have {bits} bits, and 8 are the most. Take at most {8 / d} bits, or another recipe");
        var whole = new VectorLayout(rows, columns, d, bits, rows, columns) { BookRank = grid.Rank < 1 ? Math.Max(1, (int)Math.Round(grid.Rank * (1 << bits))) : 0 };
        int block = grid.BlockColumns;
        int group = options.Granularity.Width(columns);
        if (options.Granularity.GroupColumns < 0)
            return whole with { BlockColumns = block > 0 ? columns : 0 };
        double budget = ScaleBits / (double)group - (block > 0 ? (double)VectorLayout.BlockBits / block : 0);
        int step = block % ColumnStep == 0 ? Math.Max(block, ColumnStep) : 2 * block;
        VectorLayout best = whole;
        foreach (int bookRows in Sizes(rows, VectorLayout.RowStep, rows, doubling: true))
        {
            foreach (int bookColumns in Sizes(columns, step, MostColumns, doubling: false))
            {
                VectorLayout layout = whole with { BookRows = bookRows, BookColumns = bookColumns };
                double overhead = (double)layout.Books * 8 * (layout.BookRank > 0 ? layout.BookRank : layout.Entries * d) / ((double)rows * columns);
                if (overhead <= budget && (layout.Books > best.Books || (layout.Books == best.Books && bookColumns > best.BookColumns)))
                    best = layout;
            }
        }
        return best with { BlockColumns = block == 0 || best.BookColumns % block == 0 ? block : best.BookColumns };
    }

    /// <inheritdoc/>
    public override MatrixResult Solve(MatrixProblem problem, Recipe recipe)
    {
        var layout = (VectorLayout)problem.Layout;
        VectorSolution nearest = Made(new VectorGptq(VectorMetric.Identity(layout.Columns, layout.Dimension), null), problem);
        if (problem.Objective is null)
            return new MatrixResult(nearest.Pack(problem.Shift));
        if (problem.Objective.MeanDiagonal == 0)
            return new MatrixResult(nearest.Pack(problem.Shift), Fallback: "no data: its inputs were zero on all tokens, or there were none");
        double whole = problem.Objective.Value(problem.Weights, new float[problem.Weights.Length]), before = Relative(nearest), damping = 0;
        VectorSolution solution = nearest;
        foreach (SolverStep step in recipe.Solver)
        {
            bool factored = step.Method == SolverMethod.Gptq || step.Importance is ColumnImportance.Inverse or ColumnImportance.Sequential;
            GptqFactor? factor = factored ? GptqFactor.Of(problem.Objective, step) : null;
            if (factored && factor is null)
                return new MatrixResult(nearest.Pack(problem.Shift), before, before, Fallback: "its Gram matrix can't be factored with any damping");
            switch (step.Method)
            {
                case SolverMethod.Gptq:
                    solution = Made(new VectorGptq(VectorMetric.Of(problem.Objective, step.Importance, factor, layout.Dimension), factor), problem);
                    damping = factor!.Damping;
                    break;
                case SolverMethod.Nearest when step.Importance != ColumnImportance.None:
                    solution = Made(new VectorGptq(VectorMetric.Of(problem.Objective, step.Importance, factor, layout.Dimension), null), problem);
                    break;
                case SolverMethod.Nearest:
                    solution = nearest.Copy();
                    break;
                case SolverMethod.Codebooks:
                    CodebookUpdate.Improve(problem, solution, step.Iterations);
                    break;
                default:
                    Descend(problem, solution, step);
                    break;
            }
        }
        return new MatrixResult(solution.Pack(problem.Shift), before, Relative(solution), damping);

        double Relative(VectorSolution found)
        {
            double value = problem.Objective!.Value(problem.Weights, found.Decode());
            return value == 0 ? 0 : value / whole;
        }
    }

    /// <inheritdoc/>
    /// <remarks>
    /// The factor in double and in single precision; the product of codebooks with H, what they decode to, two solutions, points and images of a fit.
    /// </remarks>
    public override long WorkBytes(long rows, long columns, Recipe recipe) => 12 * columns * columns + 44 * rows * columns;

    /// <inheritdoc/>
    public override (double Single, double Double) Operations(double rows, double columns, Recipe recipe)
    {
        // Fits that were seen took about 30 iterations, and descent ends after a few sweeps.
        const double FitIterations = 30, SweepsTaken = 6, Entries = 64;
        double cube = rows * columns * columns, search = 4 * rows * columns * Entries, single = 2 * FitIterations * search + 2 * cube, wide = columns * columns * columns * 2 / 3;
        foreach (SolverStep step in recipe.Solver)
        {
            if (step.Method == SolverMethod.Codebooks)
                wide += 2 * step.Iterations * cube;
            if (step.Method == SolverMethod.Quantease)
                (single, wide) = (single + SweepsTaken * search, wide + SweepsTaken * (2 + (step.RefitScales ? 2 * RefitIterations + 4 : 0)) * cube);
        }
        return (single, wide);
    }

    private static VectorSolution Made(VectorGptq solver, MatrixProblem problem)
    {
        var layout = (VectorLayout)problem.Layout;
        VectorSolution solution = solver.Solve(layout, problem.Weights);
        if (layout.BookRank > 0)
            CodebookProduct.Apply(solution);
        return solution;
    }

    private static void Descend(MatrixProblem problem, VectorSolution solution, SolverStep step)
    {
        if (!step.RefitScales)
        {
            VectorDescent.Improve(problem, solution, step.Sweeps);
            return;
        }
        double before = problem.Objective!.Value(problem.Weights, solution.Decode());
        for (int sweep = 0; sweep < step.Sweeps; sweep++)
        {
            VectorDescent.Improve(problem, solution, 1);
            CodebookUpdate.Improve(problem, solution, RefitIterations);
            double now = problem.Objective.Value(problem.Weights, solution.Decode());
            if (!(before - now > LeastGain * before))
                return;
            before = now;
        }
    }

    /// <summary>The sizes that a codebook may have along one side: multiples of a step, or powers of two times it, up to a limit; and all, where that is within the limit.</summary>
    private static IEnumerable<int> Sizes(int all, int step, int limit, bool doubling)
    {
        for (int size = step; size < all && size <= limit; size = doubling ? 2 * size : size + step)
            yield return size;
        if (all <= limit || doubling)
            yield return all;
    }
}
