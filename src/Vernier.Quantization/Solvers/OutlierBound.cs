using Vernier.Errors;
using Vernier.Memory;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Solvers;

/// <summary>The weights of a matrix that are so many standard deviations from its mean, or more. In double precision, the same on any
/// number of threads.</summary>
internal static class OutlierBound
{
    /// <summary>How many there are; none in a matrix of equal weights.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="sigma">The standard deviations.</param>
    /// <exception cref="InvalidFileException">A weight is not finite.</exception>
    public static int Count(WeightMatrix matrix, double sigma)
    {
        _ = matrix.Shift; // Found once, before the rows are shared out.
        long count = (long)matrix.Rows * matrix.Columns;
        double mean = Sum(matrix, weight => weight) / count, variance = Sum(matrix, weight => (weight - mean) * (weight - mean)) / count,
            bound = sigma * Math.Sqrt(variance);
        // The places are found among numbers in single precision, of which those that are as far as each other go together.
        float centre = (float)mean;
        return bound > 0 ? checked((int)Sum(matrix, weight => Math.Abs((float)weight - centre) >= bound ? 1 : 0)) : 0;
    }

    /// <summary>The mean of a matrix, as <see cref="Count"/> takes it.</summary>
    public static double Mean(ReadOnlySpan<float> weights, int columns)
    {
        double sum = 0;
        for (int first = 0; first < weights.Length; first += columns)
        {
            double row = 0;
            foreach (float weight in weights.Slice(first, columns))
                row += weight;
            sum += row;
        }
        return sum / weights.Length;
    }

    // Row by row, and then the rows.
    private static double Sum(WeightMatrix matrix, Func<double, double> term)
    {
        var sums = new double[matrix.Rows];
        matrix.Workers.For(matrix.Rows, row =>
        {
            using var buffer = new PooledArray<float>(matrix.Columns);
            matrix.ReadNormalized(row, 0, buffer.Span);
            double sum = 0;
            foreach (float weight in buffer.Span)
                sum += term(weight);
            sums[row] = sum;
        });
        double all = 0;
        foreach (double sum in sums)
            all += sum;
        return all;
    }
}
