using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Memory;
using Vernier.Numerics;
using Vernier.Packing;

namespace Vernier.Quantization.Evaluation;

/// <summary>How the numbers of a tensor are distributed. Numbers that are not finite are counted and otherwise left out.</summary>
/// <param name="Count">The number of finite numbers.</param>
/// <param name="NotFinite">The number of NaNs and infinities.</param>
/// <param name="Minimum">The least; NaN where there is none.</param>
/// <param name="Maximum">The largest; NaN where there is none.</param>
/// <param name="Mean">The mean.</param>
/// <param name="StandardDeviation">The standard deviation sigma, of the whole and not of a sample: sqrt(mean (x - mean)^2).</param>
/// <param name="Kurtosis">mean (x - mean)^4 / sigma^4: 1.8 if uniform, 3 if normal, more with heavier tails; NaN for a constant.</param>
/// <param name="BeyondThreeSigma">The part of numbers further than 3 sigma from the mean; 0.0027 of normal ones.</param>
/// <param name="BeyondSixSigma">The part of numbers further than 6 sigma from the mean; 2e-9 of normal ones.</param>
public sealed record WeightStatistics(
    long Count, long NotFinite, double Minimum, double Maximum, double Mean, double StandardDeviation, double Kurtosis,
        double BeyondThreeSigma, double BeyondSixSigma)
{
    private const int Piece = 1 << 16;

    private delegate void Reader(int piece, Span<float> destination);

    /// <summary>Measures a tensor of a checkpoint.</summary>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="tensor">A tensor of real numbers of whole bytes.</param>
    /// <param name="workers">Who measures; null for all processors.</param>
    /// <exception cref="InvalidFileException">The elements are no real numbers of whole bytes.</exception>
    public static WeightStatistics Of(Checkpoint checkpoint, TensorInfo tensor, Workers? workers = null)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(tensor);
        long count = tensor.Count;
        return Of(checked((int)((count + Piece - 1) / Piece)), piece => (int)Math.Min(Piece, count - (long)piece * Piece),
            (piece, destination) => checkpoint.Read(tensor, (long)piece * Piece, destination), workers ?? Workers.Shared);
    }

    /// <summary>Measures the weights that a packed matrix stands for.</summary>
    /// <param name="packed">The matrix.</param>
    /// <param name="workers">Who measures; null for all processors.</param>
    public static WeightStatistics Of(PackedMatrix packed, Workers? workers = null)
    {
        ArgumentNullException.ThrowIfNull(packed);
        return Of(packed.Rows, _ => packed.Columns, packed.DequantizeRow, workers ?? Workers.Shared);
    }

    // Three passes, each with one sum per piece: the same result on any number of threads.
    private static WeightStatistics Of(int pieces, Func<int, int> length, Reader read, Workers workers)
    {
        double[][] first = Pass(pieces, length, (read, workers), (sums, x) =>
        {
            sums[0]++;
            sums[1] += x;
            sums[2] = Math.Max(sums[2], -x);
            sums[3] = Math.Max(sums[3], x);
        }, initial: double.NegativeInfinity);
        long all = Enumerable.Range(0, pieces).Sum(piece => (long)length(piece)), count = (long)first.Sum(sums => sums[0]);
        if (count == 0)
            return new WeightStatistics(0, all, double.NaN, double.NaN, double.NaN, double.NaN, double.NaN, double.NaN, double.NaN);
        double mean = first.Sum(sums => sums[1]) / count;
        double[][] second = Pass(pieces, length, (read, workers), (sums, x) =>
        {
            double square = (x - mean) * (x - mean);
            sums[0] += square;
            sums[1] += square * square;
        });
        double variance = second.Sum(sums => sums[0]) / count, sigma = Math.Sqrt(variance);
        double[][] third = Pass(pieces, length, (read, workers), (sums, x) =>
        {
            double distance = Math.Abs(x - mean);
            sums[0] += distance > 3 * sigma ? 1 : 0;
            sums[1] += distance > 6 * sigma ? 1 : 0;
        });
        return new WeightStatistics(count, all - count, -first.Max(sums => sums[2]), first.Max(sums => sums[3]), mean, sigma,
            second.Sum(sums => sums[1]) / count / (variance * variance), third.Sum(sums => sums[0]) / count,
                third.Sum(sums => sums[1]) / count);
    }

    private static double[][] Pass(int pieces, Func<int, int> length, (Reader Read, Workers Workers) reading, Action<double[], double> add,
        double initial = 0)
    {
        var all = new double[pieces][];
        reading.Workers.For(pieces, piece =>
        {
            double[] sums = all[piece] = [0, 0, initial, initial];
            using var buffer = new PooledArray<float>(length(piece));
            reading.Read(piece, buffer.Span);
            foreach (float x in buffer.Span)
            {
                if (float.IsFinite(x))
                    add(sums, x);
            }
        });
        return all;
    }
}
