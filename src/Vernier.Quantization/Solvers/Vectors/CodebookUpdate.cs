using Vernier.Packing.Vectors;
using Vernier.Quantization.Solvers.Codebooks;

namespace Vernier.Quantization.Solvers.Vectors;

/// <summary>
/// The codebooks of least layer objective for the indices as they are: weighted least squares. With P the numbers of all codebooks, Q(P) is
/// linear and the objective a
/// quadratic, whose minimum <see cref="LeastSquares"/> finds. Then numbers are rounded as they are stored, and a band of rows keeps its new
/// codebooks only if its objective falls. Of codebooks that are stored as a product, first the
/// coefficients are improved and then the basis.
/// <para>GPTVQ takes 25 steps of Adam in place of conjugate gradients, and rounds at the end.</para>
/// </summary>
internal static class CodebookUpdate
{
    /// <summary>Improves the codebooks in place. The objective of no band of rows rises, with a product that of the matrix.</summary>
    /// <param name="problem">The matrix.</param>
    /// <param name="solution">Its solution.</param>
    /// <param name="iterations">The most iterations.</param>
    /// <returns>Whether any codebook changed.</returns>
    public static bool Improve(MatrixProblem problem, VectorSolution solution, int iterations)
    {
        VectorLayout layout = solution.Layout;
        int bands = layout.Books / layout.BooksAcross, rank = layout.BookRank;
        CodebookMap map = MapOf(problem, solution);
        if (rank == 0)
        {
            double[] found = LeastSquares.Minimise(map, new FreeCodebooks(solution.Entries.Length, bands),
                CodebookProduct.Numbers(solution), iterations);
            return KeepTheBetterBands(problem, solution, updated =>
            {
                for (int book = 0; book < layout.Books; book++)
                    updated.Keep(book, Array.ConvertAll(found[(book * solution.BookLength)..((book + 1) * solution.BookLength)], number =>
                        (float)number));
            });
        }
        double[] basis = Array.ConvertAll(solution.Product!.Basis, value => (double)value),
            start = CodebookProduct.Fitted(CodebookProduct.Numbers(solution), basis, rank);
        double[] coefficients = LeastSquares.Minimise(map, new CoefficientModel(basis, rank, layout.Books, bands), start, iterations);
        bool changed = KeepTheBetterBands(problem, solution, updated => CodebookProduct.Keep(updated, coefficients, basis));
        coefficients = CodebookProduct.Fitted(CodebookProduct.Numbers(solution), basis, rank);
        double[] moved = LeastSquares.Minimise(map, new BasisModel(coefficients, rank, layout.Entries), basis, iterations),
            numbers = CodebookProduct.Multiply(coefficients, moved, rank);
        VectorSolution other = solution.Copy();
        CodebookProduct.Keep(other, CodebookProduct.Fitted(numbers, CodebookProduct.Rounded(moved, rank), rank), moved);
        if (!(problem.Objective.Value(problem.Weights, other.Decode()) < problem.Objective.Value(problem.Weights, solution.Decode())))
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
        double[] before = problem.Objective.RowValues(problem.Weights, solution.Decode()),
            after = problem.Objective.RowValues(problem.Weights, updated.Decode());
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

    /// <summary>How the weights follow from the codebooks of a solution.</summary>
    internal static CodebookMap MapOf(MatrixProblem problem, VectorSolution solution)
    {
        VectorLayout layout = solution.Layout;
        var places = new int[solution.Codes.Length];
        for (int i = 0; i < places.Length; i++)
            places[i] = layout.BookOf(i / layout.Vectors, i % layout.Vectors * layout.Dimension) * solution.BookLength + solution.Codes[i]
                * layout.Dimension;
        return new CodebookMap(problem.Objective, problem.Weights, layout.Dimension, layout.BookRows, solution.Entries.Length, places,
            solution.BlockScale);
    }
}
