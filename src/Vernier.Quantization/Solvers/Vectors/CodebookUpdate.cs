using Vernier.Packing;

namespace Vernier.Quantization.Solvers.Vectors;

/// <summary>
/// The codebooks of least layer objective for the indices as they are: weighted least squares. With P the numbers of all codebooks, Q(P) is linear and the objective a
/// quadratic, whose gradient is 2 S((Q(P) - W) H), S the sum over the weights that a number stands for, times their block scales. Conjugate gradients with the
/// diagonal of the quadratic as preconditioner find its minimum; the codebooks of different rows do not depend on each other and go their own ways. Then numbers are
/// rounded as they are stored, and a band of rows keeps its new codebooks only if its objective falls. Of codebooks that are stored as a product, first the
/// coefficients are improved and then the basis.
/// <para>GPTVQ takes 25 steps of Adam in place of conjugate gradients, and rounds at the end.</para>
/// </summary>
internal static class CodebookUpdate
{
    private const double LeastResidual = 1e-8;

    /// <summary>Improves the codebooks in place. The objective of no band of rows rises, with a product that of the matrix.</summary>
    /// <param name="problem">The matrix.</param>
    /// <param name="solution">Its solution.</param>
    /// <param name="iterations">The most iterations.</param>
    /// <returns>Whether any codebook changed.</returns>
    public static bool Improve(MatrixProblem problem, VectorSolution solution, int iterations)
    {
        VectorLayout layout = solution.Layout;
        int bands = layout.Books / layout.BooksAcross, rank = layout.BookRank;
        if (rank == 0)
        {
            double[] found = Minimise(problem, solution, new FreeCodebooks(solution.Entries.Length, bands), CodebookProduct.Numbers(solution), iterations);
            return KeepTheBetterBands(problem, solution, updated =>
            {
                for (int book = 0; book < layout.Books; book++)
                    updated.Keep(book, Array.ConvertAll(found[(book * solution.BookLength)..((book + 1) * solution.BookLength)], number => (float)number));
            });
        }
        double[] basis = Array.ConvertAll(solution.Product!.Basis, value => (double)value), start = CodebookProduct.Fitted(CodebookProduct.Numbers(solution), basis, rank);
        double[] coefficients = Minimise(problem, solution, new CoefficientModel(basis, rank, layout.Books, bands), start, iterations);
        bool changed = KeepTheBetterBands(problem, solution, updated => CodebookProduct.Keep(updated, coefficients, basis));
        coefficients = CodebookProduct.Fitted(CodebookProduct.Numbers(solution), basis, rank);
        double[] moved = Minimise(problem, solution, new BasisModel(coefficients, rank, layout.Entries), basis, iterations), numbers = CodebookProduct.Multiply(coefficients, moved, rank);
        VectorSolution other = solution.Copy();
        CodebookProduct.Keep(other, CodebookProduct.Fitted(numbers, CodebookProduct.Rounded(moved, rank), rank), moved);
        if (!(problem.Objective!.Value(problem.Weights, other.Decode()) < problem.Objective.Value(problem.Weights, solution.Decode())))
            return changed;
        solution.Take(other, 0, layout.Books);
        solution.Product = other.Product;
        return true;
    }

    /// <summary>Takes the codebooks of those bands of rows whose objective falls.</summary>
    private static bool KeepTheBetterBands(MatrixProblem problem, VectorSolution solution, Action<VectorSolution> update)
    {
        VectorLayout layout = solution.Layout;
        VectorSolution updated = solution.Copy();
        update(updated);
        double[] before = problem.Objective!.RowValues(problem.Weights, solution.Decode()), after = problem.Objective.RowValues(problem.Weights, updated.Decode());
        bool changed = false;
        for (int first = 0, book = 0; first < layout.Rows; first += layout.BookRows, book += layout.BooksAcross)
        {
            double change = 0;
            for (int row = first; row < Math.Min(layout.Rows, first + layout.BookRows); row++)
                change += after[row] - before[row];
            if (!(change < 0))
                continue;
            changed = true;
            solution.Take(updated, book, layout.BooksAcross);
        }
        return changed;
    }

    /// <summary>The parameters of a model at which the objective is least. One that stands for no weight stays as it is.</summary>
    /// <param name="problem">The matrix.</param>
    /// <param name="solution">Its indices and block scales.</param>
    /// <param name="model">What is free.</param>
    /// <param name="start">The parameters to start from.</param>
    /// <param name="iterations">The most iterations; a piece ends where its residual has fallen to 1e-8.</param>
    internal static double[] Minimise(MatrixProblem problem, VectorSolution solution, CodebookModel model, double[] start, int iterations)
    {
        var map = new CodebookMap(problem, solution);
        double[] found = [.. start], direction = new double[start.Length], products = new double[model.Pieces], first = new double[model.Pieces];
        double[] curvature = model.ReduceSquares(map.Curvature()), residual = [.. model.Reduce(map.Gather(map.Residual(model.Expand(found))))];
        int length = model.Length / model.Pieces;
        for (int iteration = 0; iteration < iterations; iteration++)
        {
            bool active = false;
            for (int piece = 0; piece < model.Pieces; piece++)
            {
                Span<double> r = residual.AsSpan(piece * length, length), p = direction.AsSpan(piece * length, length);
                ReadOnlySpan<double> h = curvature.AsSpan(piece * length, length);
                double product = 0;
                for (int i = 0; i < r.Length; i++)
                    product += h[i] > 0 ? r[i] * r[i] / h[i] : 0;
                first[piece] = iteration == 0 ? product : first[piece];
                bool open = product > LeastResidual * first[piece];
                double ratio = iteration == 0 || !open ? 0 : product / products[piece];
                for (int i = 0; i < r.Length; i++)
                    p[i] = open && h[i] > 0 ? r[i] / h[i] + ratio * p[i] : 0;
                products[piece] = product;
                active |= open;
            }
            if (!active)
                break;
            double[] image = model.Reduce(map.Gather(map.Image(model.Expand(direction))));
            for (int piece = 0; piece < model.Pieces; piece++)
            {
                ReadOnlySpan<double> p = direction.AsSpan(piece * length, length), a = image.AsSpan(piece * length, length);
                Span<double> r = residual.AsSpan(piece * length, length), x = found.AsSpan(piece * length, length);
                double curve = 0;
                for (int i = 0; i < p.Length; i++)
                    curve += p[i] * a[i];
                double step = curve > 0 ? products[piece] / curve : 0;
                for (int i = 0; i < p.Length; i++)
                {
                    x[i] += step * p[i];
                    r[i] -= step * a[i];
                }
            }
        }
        return found;
    }
}
