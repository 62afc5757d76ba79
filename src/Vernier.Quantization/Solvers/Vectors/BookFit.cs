using Vernier.Packing.Vectors;

namespace Vernier.Quantization.Solvers.Vectors;

/// <summary>Fits one codebook, and the block scales below it, to the weights as they are.</summary>
internal static class BookFit
{
    private const int Iterations = 100;

    private const double LeastStep = 1.0 / 32;
    private const double LargestStep = 0.5;

    /// <summary>The step with which sixteen codes reach from the largest block of a codebook to its smallest, within bounds.</summary>
    public static float StepOf(VectorLayout layout, float[] weights)
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

    /// <summary>The block codes and the codebook of some columns of a band.</summary>
    /// <param name="solution">Receives them.</param>
    /// <param name="metric">What an error of a vector counts.</param>
    /// <param name="weights">The weights of the band as they are, all columns.</param>
    /// <param name="band">The rows of the band.</param>
    /// <param name="columns">The columns.</param>
    public static void Run(VectorSolution solution, VectorMetric metric, ReadOnlySpan<float> weights, (int First, int Count) band,
        (int First, int End) columns)
    {
        VectorLayout layout = solution.Layout;
        int d = layout.Dimension, across = (columns.End - columns.First + d - 1) / d;
        if (layout.BlockColumns > 0)
            FitBlocks(solution, weights, band, columns);
        var points = new float[band.Count * across * d];
        float[] counts = layout.BlockColumns > 0 ? new float[band.Count * across] : [];
        for (int row = 0; row < band.Count; row++)
        {
            for (int column = columns.First; column < columns.End; column++)
                points[row * across * d + column - columns.First] =
                    weights[row * layout.Columns + column] / solution.BlockScale(band.First + row, column);
            for (int vector = 0; vector < across && counts.Length > 0; vector++)
            {
                float scale = solution.BlockScale(band.First + row, columns.First + vector * d);
                counts[row * across + vector] = scale * scale;
            }
        }
        var fit = new CodebookFit(points, counts, metric, columns.First / d, across, layout.Entries, d, solution.Workers);
        fit.Run(Iterations);
        solution.Keep(layout.BookOf(band.First, columns.First), fit.Vectors);
    }

    private static void FitBlocks(VectorSolution solution, ReadOnlySpan<float> weights, (int First, int Count) band,
        (int First, int End) columns)
    {
        VectorLayout layout = solution.Layout;
        int firstBlock = columns.First / layout.BlockColumns,
            blocks = (columns.End - columns.First + layout.BlockColumns - 1) / layout.BlockColumns;
        var sizes = new double[band.Count * blocks];
        for (int i = 0; i < sizes.Length; i++)
            sizes[i] = Size(layout, weights.Slice(i / blocks * layout.Columns, layout.Columns), firstBlock + i % blocks);
        double largest = sizes.Max();
        for (int i = 0; i < sizes.Length; i++)
        {
            double steps = (largest - sizes[i]) / solution.BlockStep;
            byte code = double.IsNegativeInfinity(largest) ? (byte)0
                : (byte)Math.Clamp(Math.Round(steps), 0, (1 << VectorLayout.BlockBits) - 1);
            solution.Blocks[(band.First + i / blocks) * layout.Blocks + firstBlock + i % blocks] = code;
        }
    }

    // The logarithm, base 2, of the largest weight of a block of a row.
    private static double Size(VectorLayout layout, ReadOnlySpan<float> row, int block)
    {
        float largest = 0;
        for (int i = block * layout.BlockColumns; i < Math.Min(layout.Columns, (block + 1) * layout.BlockColumns); i++)
            largest = Math.Max(largest, Math.Abs(row[i]));
        return Math.Log2(largest);
    }
}
