namespace Vernier.Grids.Codebook;

/// <summary>Points on a line, each with a weight, in ascending order with the sums up to each of them.</summary>
internal sealed class WeightedPoints
{
    private const int Bins = 1024;

    private readonly double[] _values;
    private readonly double[] _counts;
    private readonly double[] _moments;

    /// <summary>Sorts points.</summary>
    /// <param name="values">The points; sorted in place.</param>
    /// <param name="counts">Their weights, none negative; brought into the same order.</param>
    public WeightedPoints(double[] values, double[] counts)
    {
        Array.Sort(values, counts);
        _values = values;
        _counts = new double[values.Length + 1];
        _moments = new double[values.Length + 1];
        for (int i = 0; i < values.Length; i++)
            (_counts[i + 1], _moments[i + 1]) = (_counts[i] + counts[i], _moments[i] + counts[i] * values[i]);
    }

    /// <summary>The number of points.</summary>
    public int Count => _values.Length;

    /// <summary>The numbers that part evenly the cube root of the density, which is a histogram of the points.</summary>
    public double[] CubeRootQuantiles(int count)
    {
        double first = _values[0], width = (_values[^1] - first) / Bins;
        var sums = new double[Bins + 1];
        for (int bin = 0, at = 0; bin < Bins; bin++)
        {
            int end = bin + 1 == Bins ? _values.Length : FirstAbove(first + (bin + 1) * width);
            sums[bin + 1] = sums[bin] + Math.Cbrt(Math.Max(0, _counts[end] - _counts[at]));
            at = end;
        }
        var numbers = new double[count];
        for (int i = 0, bin = 0; i < count; i++)
        {
            double wanted = (i + 0.5) / count * sums[Bins];
            while (bin < Bins - 1 && sums[bin + 1] < wanted)
                bin++;
            double part = sums[bin + 1] > sums[bin] ? (wanted - sums[bin]) / (sums[bin + 1] - sums[bin]) : 0.5;
            numbers[i] = first + (bin + part) * width;
        }
        return numbers;
    }

    /// <summary>Lloyd's iterations: each number becomes the mean of the points that are nearest to it, until none moves.</summary>
    public double[] Improve(double[] start, int iterations)
    {
        double[] numbers = [.. start];
        Array.Sort(numbers);
        for (int iteration = 0; iteration < iterations; iteration++)
        {
            bool moved = false;
            int first = 0;
            for (int i = 0; i < numbers.Length; i++)
            {
                int end = i + 1 == numbers.Length ? _values.Length : Math.Max(first, FirstAbove((numbers[i] + numbers[i + 1]) / 2));
                double count = _counts[end] - _counts[first];
                if (count > 0)
                {
                    double mean = (_moments[end] - _moments[first]) / count;
                    moved |= mean != numbers[i];
                    numbers[i] = mean;
                }
                first = end;
            }
            if (!moved)
                break;
        }
        return numbers;
    }

    private int FirstAbove(double value)
    {
        int low = 0, high = _values.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = _values[middle] > value ? (low, middle) : (middle + 1, high);
        }
        return low;
    }
}
