using Vernier.Packing.Vectors;

namespace Vernier.Quantization.Solvers.Vectors;

/// <summary>
/// Rows of zeros on codebooks: a codebook that serves one gets a vector of zeros, in place of the vector whose loss costs the other rows
/// least, and all of the row has its index. Codebooks that are stored as a product lose the same vector.
/// </summary>
internal static class ZeroRows
{
    /// <summary>Makes rows of zeros exactly zero.</summary>
    /// <param name="solution">The solution, which is changed.</param>
    /// <param name="weights">The weights, R x C row by row.</param>
    public static void Keep(VectorSolution solution, ReadOnlySpan<float> weights)
    {
        VectorLayout layout = solution.Layout;
        var zero = new bool[layout.Rows];
        for (int row = 0; row < layout.Rows; row++)
            zero[row] = !weights.Slice(row * layout.Columns, layout.Columns).ContainsAnyExcept(0f);
        int[] books = [.. Enumerable.Range(0, layout.Books).Where(book => Array.IndexOf(zero, true, FirstRow(layout, book),
            Math.Min(layout.BookRows, layout.Rows - FirstRow(layout, book))) >= 0)];
        if (books.Length == 0)
            return;
        double[][] costs = Costs(solution, zero);
        int common = Least([.. Enumerable.Range(0, layout.Entries).Select(entry => books.Sum(book => costs[book][entry]))]);
        foreach (int book in layout.BookRank > 0 ? Enumerable.Range(0, layout.Books) : books)
        {
            int entry = layout.BookRank > 0 ? common : Least(costs[book]);
            solution.Book(book).Slice(entry * layout.Dimension, layout.Dimension).Clear();
            Point(solution, zero, book, (byte)entry);
        }
        for (int r = 0; r < layout.BookRank && solution.Product is not null; r++)
            solution.Product.Basis[r * layout.Entries + common] = 0;
    }

    private static int FirstRow(VectorLayout layout, int book) => book / layout.BooksAcross * layout.BookRows;

    // What it costs the rows that are not zero to lose each vector, by codebook.
    private static double[][] Costs(VectorSolution solution, bool[] zero)
    {
        VectorLayout layout = solution.Layout;
        double[][] costs = [.. Enumerable.Range(0, layout.Books).Select(_ => new double[layout.Entries])];
        for (int i = 0; i < solution.Codes.Length; i++)
        {
            (int row, int vector) = Math.DivRem(i, layout.Vectors);
            if (zero[row])
                continue;
            int book = layout.BookOf(row, vector * layout.Dimension);
            double scale = solution.Factor(book) * solution.BlockScale(row, vector * layout.Dimension);
            foreach (sbyte number in solution.Book(book).Slice(solution.Codes[i] * layout.Dimension, layout.Dimension))
                costs[book][solution.Codes[i]] += scale * scale * number * number;
        }
        return costs;
    }

    private static int Least(double[] costs) => Array.IndexOf(costs, costs.Min());

    private static void Point(VectorSolution solution, bool[] zero, int book, byte entry)
    {
        VectorLayout layout = solution.Layout;
        int first = FirstRow(layout, book), vectors = (layout.BookColumns + layout.Dimension - 1) / layout.Dimension,
            left = book % layout.BooksAcross * vectors;
        for (int row = first; row < Math.Min(layout.Rows, first + layout.BookRows); row++)
        {
            if (zero[row])
                solution.Codes.AsSpan(row * layout.Vectors + left, Math.Min(vectors, layout.Vectors - left)).Fill(entry);
        }
    }
}
