using Vernier.Numerics;
using Vernier.Packing.Vectors;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Solvers.Sequential;

namespace Vernier.Quantization.Solvers.Vectors;

/// <summary>
/// GPTVQ: where the columns of a codebook begin, the codebook is fitted to the weights as they are, with the errors carried over; then
/// vector after vector takes the
/// nearest entry, as it is stored, and what that loses of each of its columns is made up for by all later columns, those of the same vector
/// included. Without a
/// factor nothing is made up for: the nearest entries of codebooks fitted to the weights alone. The rows of a codebook do not depend on
/// other rows, so that the
/// result is the same on any number of threads.
/// <para>M. van Baalen et al.: GPTVQ, 2024. Differently from the paper the columns of a vector make up for each other: what is carried over
/// is then the least.</para>
/// </summary>
/// <param name="metric">What an error of a vector counts.</param>
/// <param name="factor">The factor of the Gram matrix in the natural order; null to carry nothing over.</param>
/// <param name="workers">Who solves; null for all processors.</param>
internal sealed class VectorGptq(VectorMetric metric, GramFactor? factor, Workers? workers = null)
{
    /// <summary>Solves a matrix.</summary>
    /// <param name="layout">How it is stored.</param>
    /// <param name="weights">W, R x C, normalised.</param>
    /// <param name="codebooks">Codebooks and block scales to keep to; null to fit them.</param>
    public VectorSolution Solve(VectorLayout layout, float[] weights, VectorSolution? codebooks = null)
    {
        VectorSolution solution = codebooks?.Copy() ?? new VectorSolution(layout, BookFit.StepOf(layout, weights), workers);
        int bands = (layout.Rows + layout.BookRows - 1) / layout.BookRows;
        int[] ends = [.. Enumerable.Range(1, layout.BooksAcross)
            .Select(book => (int)Math.Min(layout.Columns, (long)book * layout.BookColumns))];
        solution.Workers.For(bands, band =>
        {
            int first = band * layout.BookRows, rows = Math.Min(layout.BookRows, layout.Rows - first);
            var rounder = new VectorRounder(solution, metric, first, rows, fits: codebooks is null);
            SequentialSweep.Run(ref rounder, weights.AsSpan(first * layout.Columns, rows * layout.Columns), first, rows, factor, ends,
                layout.BookColumns);
        });
        return solution;
    }
}
