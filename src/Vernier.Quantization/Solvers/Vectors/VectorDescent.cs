using System.Numerics.Tensors;
using Vernier.Packing.Vectors;

namespace Vernier.Quantization.Solvers.Vectors;

/// <summary>
/// Coordinate descent on the indices, ours after QuantEase: with all other weights of a row as they are, a vector that moves by e changes
/// the objective by
/// e H e^T - 2 e r^T, H and the residual r = (w - q) H restricted to its columns; each vector in turn takes the entry for which that is
/// least, where it lowers the
/// objective, until none does. Codebooks stay as they are; the objective never rises.
/// </summary>
internal static class VectorDescent
{
    // A gain that is no more than rounding errors is none.
    private const double LeastGain = 1e-9;

    /// <summary>Improves a solution in place.</summary>
    /// <param name="problem">The matrix.</param>
    /// <param name="solution">Its solution.</param>
    /// <param name="sweeps">The most sweeps over all vectors.</param>
    /// <returns>The number of indices that changed.</returns>
    public static long Improve(MatrixProblem problem, VectorSolution solution, int sweeps)
    {
        VectorLayout layout = solution.Layout;
        var changes = new long[layout.Rows];
        float[] quantized = solution.Decode();
        var residuals = new double[quantized.Length];
        problem.Objective.Residual(problem.Weights, quantized, residuals);
        VectorMetric metric = VectorMetric.Blocks(problem.Objective, layout.Dimension);
        int bands = layout.Books / layout.BooksAcross;
        for (int band = 0; band < bands; band++)
        {
            int first = band * layout.BookRows, count = Math.Min(layout.BookRows, layout.Rows - first);
            NearestVector[] books = new NearestVector[layout.BooksAcross];
            problem.Workers.For(books.Length, across => books[across] = Take(solution, metric, band, across));
            problem.Workers.For(count, i =>
            {
                int at = (first + i) * layout.Columns;
                changes[first + i] = ImproveRow(problem, solution, books, metric, first + i, sweeps, quantized.AsSpan(at, layout.Columns),
                    residuals.AsSpan(at, layout.Columns));
            });
        }
        return changes.Sum();
    }

    private static NearestVector Take(VectorSolution solution, VectorMetric metric, int band, int across)
    {
        VectorLayout layout = solution.Layout;
        int d = layout.Dimension, first = across * layout.BookColumns,
            vectors = (Math.Min(layout.BookColumns, layout.Columns - first) + d - 1) / d;
        var numbers = new float[solution.BookLength];
        solution.Read(band * layout.BooksAcross + across, numbers);
        var nearest = new NearestVector(layout.Entries, d, vectors);
        CodebookFit.Take(nearest, numbers, metric, first / d, vectors);
        return nearest;
    }

    private static long ImproveRow(MatrixProblem problem, VectorSolution solution, NearestVector[] books, VectorMetric metric, int row,
        int sweeps, Span<float> quantized, Span<double> residual)
    {
        VectorLayout layout = solution.Layout;
        int d = layout.Dimension, columns = layout.Columns;
        Span<byte> codes = solution.Codes.AsSpan(row * layout.Vectors, layout.Vectors);
        Span<float> wanted = stackalloc float[d], image = stackalloc float[d];
        Span<double> moves = stackalloc double[d];
        long all = 0;
        for (int sweep = 0; sweep < sweeps; sweep++)
        {
            long changes = 0;
            for (int vector = 0; vector < layout.Vectors; vector++)
            {
                int first = vector * d, count = Math.Min(d, columns - first), across = first / layout.BookColumns,
                    book = layout.BookOf(row, first);
                float block = solution.BlockScale(row, first), scale = (float)solution.Scales[book] * block;
                ReadOnlySpan<float> m = metric.Of(vector);
                // M x^T where x is the best vector were there no codebook: M q^T + r^T.
                wanted.Clear();
                quantized.Slice(first, count).CopyTo(wanted);
                CodebookFit.Multiply(m, wanted, image);
                for (int i = 0; i < count; i++)
                    image[i] = (image[i] + (float)(residual[first + i] * metric.Unit)) / block;
                int code = books[across].Find(image, vector - across * layout.BookColumns / d, out _);
                if (code == codes[vector])
                    continue;
                double change = 0, size = 0;
                ReadOnlySpan<sbyte> entries = solution.Book(book).Slice(code * d, d);
                for (int i = 0; i < count; i++)
                    moves[i] = (double)(scale * (VectorSolution.Unit * entries[i])) - quantized[first + i];
                for (int i = 0; i < count; i++)
                {
                    double curve = 0;
                    for (int j = 0; j < count; j++)
                        curve += problem.Objective.Row(first + i)[first + j] * moves[j];
                    change += moves[i] * (curve - 2 * residual[first + i]);
                    size += Math.Abs(moves[i] * curve);
                }
                if (!(change < -LeastGain * size))
                    continue;
                for (int i = 0; i < count; i++)
                {
                    TensorPrimitives.MultiplyAdd(problem.Objective.Row(first + i), -moves[i], residual, residual);
                    quantized[first + i] = scale * (VectorSolution.Unit * entries[i]);
                }
                codes[vector] = (byte)code;
                changes++;
            }
            all += changes;
            if (changes == 0)
                break;
        }
        return all;
    }
}
