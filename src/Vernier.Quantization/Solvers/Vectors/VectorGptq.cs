using Vernier.Numerics;
using Vernier.Packing.Vectors;
using Vernier.Quantization.Solvers.Gptq;

namespace Vernier.Quantization.Solvers.Vectors;

/// <summary>
/// GPTVQ: where the columns of a codebook begin, the codebook is fitted to the weights as they are, with the errors carried over; then vector after vector takes the
/// nearest entry, as it is stored, and what that loses of each of its columns is made up for by all later columns, those of the same vector included. Without a
/// factor nothing is made up for: the nearest entries of codebooks fitted to the weights alone. The rows of a codebook do not depend on other rows, so that the
/// result is the same on any number of threads.
/// <para>M. van Baalen et al.: GPTVQ, 2024. Differently from the paper the columns of a vector make up for each other: what is carried over is then the least.</para>
/// </summary>
/// <param name="metric">What an error of a vector counts.</param>
/// <param name="factor">The factor of the Gram matrix in the natural order; null to carry nothing over.</param>
internal sealed class VectorGptq(VectorMetric metric, GptqFactor? factor)
{
    private const int Iterations = 100;

    /// <summary>Columns that get errors one by one; the rest of the codebook's get them of so many columns at once.</summary>
    private const int PieceColumns = 32;

    private const double LeastStep = 1.0 / 32;
    private const double LargestStep = 0.5;

    /// <summary>Solves a matrix.</summary>
    /// <param name="layout">How it is stored.</param>
    /// <param name="weights">W, R x C, normalised.</param>
    /// <param name="codebooks">Codebooks and block scales to keep to; null to fit them.</param>
    public VectorSolution Solve(VectorLayout layout, float[] weights, VectorSolution? codebooks = null)
    {
        VectorSolution solution = codebooks?.Copy() ?? new VectorSolution(layout, StepOf(layout, weights));
        int bands = (layout.Rows + layout.BookRows - 1) / layout.BookRows;
        ParallelLoop.For(bands, band => SolveBand(solution, codebooks is null, weights, band * layout.BookRows, Math.Min(layout.BookRows, layout.Rows - band * layout.BookRows)));
        return solution;
    }

    /// <summary>The step with which sixteen codes reach from the largest block of a codebook to its smallest, within bounds.</summary>
    private static float StepOf(VectorLayout layout, float[] weights)
    {
        if (layout.BlockColumns == 0)
            return 0;
        var largest = new double[layout.Books];
        Array.Fill(largest, double.NegativeInfinity);
        var blocks = new double[layout.Rows * layout.Blocks];
        for (int i = 0; i < blocks.Length; i++)
        {
            (int row, int block) = Math.DivRem(i, layout.Blocks);
            blocks[i] = Size(layout, weights.AsSpan(row * layout.Columns, layout.Columns), block);
            int book = layout.BookOf(row, block * layout.BlockColumns);
            largest[book] = Math.Max(largest[book], blocks[i]);
        }
        double range = 0;
        for (int i = 0; i < blocks.Length; i++)
        {
            double below = largest[layout.BookOf(i / layout.Blocks, i % layout.Blocks * layout.BlockColumns)] - blocks[i];
            range = double.IsFinite(below) ? Math.Max(range, below) : range;
        }
        return (float)Math.Clamp(range / ((1 << VectorLayout.BlockBits) - 1), LeastStep, LargestStep);
    }

    /// <summary>The logarithm, base 2, of the largest weight of a block of a row.</summary>
    private static double Size(VectorLayout layout, ReadOnlySpan<float> row, int block)
    {
        float largest = 0;
        for (int i = block * layout.BlockColumns; i < Math.Min(layout.Columns, (block + 1) * layout.BlockColumns); i++)
            largest = Math.Max(largest, Math.Abs(row[i]));
        return Math.Log2(largest);
    }

    private unsafe void SolveBand(VectorSolution solution, bool fits, float[] original, int firstRow, int rows)
    {
        VectorLayout layout = solution.Layout;
        int columns = layout.Columns, d = layout.Dimension, widest = Math.Min(columns, layout.BookColumns);
        using var weightBuffer = new PooledArray<float>(rows * columns);
        using var errorBuffer = new PooledArray<float>(rows * widest);
        original.AsSpan(firstRow * columns, rows * columns).CopyTo(weightBuffer.Span);
        var nearest = new NearestVector(layout.Entries, d, (widest + d - 1) / d);
        var vectors = new float[solution.BookLength];
        Span<float> image = stackalloc float[d];
        fixed (float* weights = weightBuffer.Span, errors = errorBuffer.Span, carry = factor?.Carry)
        {
            for (int first = 0; first < columns; first += layout.BookColumns)
            {
                int end = Math.Min(columns, first + layout.BookColumns), book = layout.BookOf(firstRow, first), across = (end - first + d - 1) / d;
                if (fits)
                    Fit(solution, weightBuffer.Span, firstRow, rows, first, end);
                solution.Read(book, vectors);
                CodebookFit.Take(nearest, vectors, metric, first / d, across);
                for (int start = first; start < end; start += PieceColumns)
                {
                    int stop = Math.Min(end, start + PieceColumns);
                    for (int row = 0; row < rows; row++)
                    {
                        float* line = weights + (long)row * columns;
                        for (int column = start; column < stop; column += d)
                        {
                            int count = Math.Min(d, stop - column), vector = column / d;
                            float scale = solution.BlockScale(firstRow + row, column), inverse = 1 / scale;
                            ReadOnlySpan<float> m = metric.Of(vector);
                            for (int i = 0; i < d; i++)
                            {
                                float sum = 0;
                                for (int j = 0; j < count; j++)
                                    sum += m[i * d + j] * line[column + j];
                                image[i] = sum * inverse;
                            }
                            int code = nearest.Find(image, vector - first / d, out _);
                            solution.Codes[(firstRow + row) * layout.Vectors + vector] = (byte)code;
                            for (int i = 0; i < count; i++)
                            {
                                float error = scale * vectors[code * d + i] - line[column + i];
                                errors[row * widest + column + i - first] = error;
                                if (factor is not null)
                                    CarryKernel.Run(line + column + i + 1, 1, stop - column - i - 1, columns, &error, 1, 1, carry + (long)(column + i) * columns + column + i + 1);
                            }
                        }
                    }
                    if (factor is not null)
                        CarryKernel.Run(weights + stop, rows, end - stop, columns, errors + start - first, stop - start, widest, carry + (long)start * columns + stop);
                }
                if (factor is not null)
                    CarryKernel.Run(weights + end, rows, columns - end, columns, errors, end - first, widest, carry + (long)first * columns + end);
                if (layout.BookColumns > columns - first)
                    break;
            }
        }
    }

    /// <summary>The block codes and the codebook of some columns of the band.</summary>
    private void Fit(VectorSolution solution, ReadOnlySpan<float> weights, int firstRow, int rows, int first, int end)
    {
        VectorLayout layout = solution.Layout;
        int d = layout.Dimension, across = (end - first + d - 1) / d, columns = layout.Columns;
        if (layout.BlockColumns > 0)
            FitBlocks(solution, weights, firstRow, rows, first, end);
        var points = new float[rows * across * d];
        float[] counts = layout.BlockColumns > 0 ? new float[rows * across] : [];
        for (int row = 0; row < rows; row++)
        {
            for (int column = first; column < end; column++)
                points[row * across * d + column - first] = weights[row * columns + column] / solution.BlockScale(firstRow + row, column);
            for (int vector = 0; vector < across && counts.Length > 0; vector++)
            {
                float scale = solution.BlockScale(firstRow + row, first + vector * d);
                counts[row * across + vector] = scale * scale;
            }
        }
        var fit = new CodebookFit(points, counts, metric, first / d, across, layout.Entries, d);
        fit.Run(Iterations);
        solution.Keep(layout.BookOf(firstRow, first), fit.Vectors);
    }

    private static void FitBlocks(VectorSolution solution, ReadOnlySpan<float> weights, int firstRow, int rows, int first, int end)
    {
        VectorLayout layout = solution.Layout;
        int firstBlock = first / layout.BlockColumns, blocks = (end - first + layout.BlockColumns - 1) / layout.BlockColumns;
        var sizes = new double[rows * blocks];
        for (int i = 0; i < sizes.Length; i++)
            sizes[i] = Size(layout, weights.Slice(i / blocks * layout.Columns, layout.Columns), firstBlock + i % blocks);
        double largest = sizes.Max();
        for (int i = 0; i < sizes.Length; i++)
        {
            double steps = (largest - sizes[i]) / solution.BlockStep;
            solution.Blocks[(firstRow + i / blocks) * layout.Blocks + firstBlock + i % blocks] = double.IsNegativeInfinity(largest) ? (byte)0 : (byte)Math.Clamp(Math.Round(steps), 0, (1 << VectorLayout.BlockBits) - 1);
        }
    }
}
