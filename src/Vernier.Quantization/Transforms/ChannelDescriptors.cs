using Vernier.Numerics;

namespace Vernier.Quantization.Transforms;

/// <summary>How the weights of channels are distributed, and the order in which similar channels lie together.</summary>
/// <param name="count">The number of channels.</param>
/// <param name="workers">Who describes them.</param>
internal sealed class ChannelDescriptors(int count, Workers workers)
{
    private const int Iterations = 50;

    private static readonly double[] s_quantiles = [0.25, 0.5, 0.75, 0.95];

    private readonly List<double[]> _features = [];

    /// <summary>Adds the logarithms of the standard deviation and of the largest weight of each row, and quantiles of its absolute weights
    /// in standard deviations.</summary>
    public void AddRows(ReadOnlyMemory<float> weights, int columns)
    {
        double[][] features = [.. Enumerable.Range(0, 2 + s_quantiles.Length).Select(_ => new double[count])];
        workers.For(count, channel =>
        {
            float[] row = weights.Span.Slice(channel * columns, columns).ToArray();
            for (int i = 0; i < row.Length; i++)
                row[i] = Math.Abs(row[i]);
            Array.Sort(row);
            double deviation = Math.Sqrt(row.Sum(weight => (double)weight * weight) / columns);
            (features[0][channel], features[1][channel]) = (Math.Log2(deviation), Math.Log2(row[^1]));
            for (int i = 0; i < s_quantiles.Length; i++)
                features[2 + i][channel] = row[(int)(s_quantiles[i] * (columns - 1))] / deviation;
        });
        _features.AddRange(features);
    }

    /// <summary>Adds the logarithm of the standard deviation of each of consecutive columns.</summary>
    public void AddColumns(float[] weights, int columns, int first = 0)
    {
        var sums = new double[count];
        for (int row = 0; row < weights.Length / columns; row++)
        {
            for (int i = 0; i < count; i++)
                sums[i] += (double)weights[row * columns + first + i] * weights[row * columns + first + i];
        }
        _features.Add(Array.ConvertAll(sums, sum => 0.5 * Math.Log2(sum)));
    }

    /// <summary>
    /// The channels by clusters, these by their deviations: k-means on the descriptors, each brought to a deviation of 1, from channels at
    /// even distances in the order of their
    /// deviations. Within a cluster channels keep their order.
    /// </summary>
    /// <param name="clusters">At least 1.</param>
    public int[] Order(int clusters)
    {
        double[][] points = Points();
        int[] order = [.. Enumerable.Range(0, count).OrderBy(channel => points[channel][0])];
        double[][] centres = [.. Enumerable.Range(0, clusters)
            .Select(cluster => (double[])points[order[(int)((cluster + 0.5) * count / clusters)]].Clone())];
        var of = new int[count];
        for (int iteration = 0; iteration < Iterations; iteration++)
        {
            bool moved = false;
            for (int channel = 0; channel < count; channel++)
            {
                int best = 0;
                for (int cluster = 1; cluster < clusters; cluster++)
                    best = Distance(points[channel], centres[cluster]) < Distance(points[channel], centres[best]) ? cluster : best;
                moved |= of[channel] != best;
                of[channel] = best;
            }
            if (!moved && iteration > 0)
                break;
            for (int cluster = 0; cluster < clusters; cluster++)
            {
                int[] members = [.. Enumerable.Range(0, count).Where(channel => of[channel] == cluster)];
                for (int i = 0; i < centres[cluster].Length && members.Length > 0; i++)
                    centres[cluster][i] = members.Average(channel => points[channel][i]);
            }
        }
        return [.. Enumerable.Range(0, count).OrderBy(channel => centres[of[channel]][0]).ThenBy(channel => of[channel])];
    }

    private double[][] Points()
    {
        double[][] points = [.. Enumerable.Range(0, count).Select(_ => new double[_features.Count])];
        for (int i = 0; i < _features.Count; i++)
        {
            // A channel of zeros has no logarithm; it counts as one of the mean.
            double[] finite = [.. _features[i].Where(double.IsFinite)];
            double mean = finite.DefaultIfEmpty(0).Average(),
                deviation = Math.Sqrt(finite.Select(value => (value - mean) * (value - mean)).DefaultIfEmpty(0).Average());
            for (int channel = 0; channel < count; channel++)
                points[channel][i] = deviation > 0 && double.IsFinite(_features[i][channel]) ? (_features[i][channel] - mean) / deviation
                    : 0;
        }
        return points;
    }

    private static double Distance(double[] left, double[] right)
    {
        double sum = 0;
        for (int i = 0; i < left.Length; i++)
            sum += (left[i] - right[i]) * (left[i] - right[i]);
        return sum;
    }
}
