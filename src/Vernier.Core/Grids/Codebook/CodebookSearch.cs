using Vernier.Grids.Specs;
using Vernier.Grids.Uniform;
using Vernier.Levels;
using Vernier.Numerics;

namespace Vernier.Grids.Codebook;

/// <summary>
/// k-means on weights that are divided by the scales of their granules: codebooks, scales and codes in turn. Codebooks begin where many
/// levels do best, with a
/// density that is the cube root of that of the weights divided by their granule's root mean square (Panter, Dite, 1951), several for
/// groups of granules by how far
/// their largest weight stands out, and once more on the uniform grid, and the better is taken: from either, while the error falls, each
/// granule takes the
/// codebook and the scale that fit it best, as they are stored, and each codebook becomes the one of least squared error for its granules
/// at their scales. Weights
/// count by the importance of their columns. Nothing is random.
/// </summary>
/// <param name="bits">2 to 8.</param>
/// <param name="tables">How many codebooks a granule may choose from: 1, 2, 4 or 8.</param>
/// <param name="mirror">Whether a negative scale may mirror a codebook.</param>
/// <param name="workers">Who searches.</param>
internal sealed class CodebookSearch(int bits, int tables, bool mirror, Workers workers)
{
    private const int MostRounds = 20;
    private const int MostIterations = 200;
    private const double LeastGain = 1e-4;
    private const int GranulesPerItem = 32;

    private readonly ScaleSearch _fit = new(mirror);

    /// <summary>The codebooks that serve all samples best.</summary>
    public LevelTable[] Choose(IReadOnlyList<GranuleSample> samples)
    {
        (GranuleSample Sample, int Granule)[] granules =
            [.. samples.SelectMany(sample => Enumerable.Range(0, sample.Count).Select(granule => (sample, granule)))];
        (LevelTable[] Tables, double Error) dense = Improve(granules, Start(granules)),
            even = Improve(granules, [.. Enumerable.Repeat(Uniform(), tables)]);
        return dense.Error <= even.Error ? dense.Tables : even.Tables;
    }

    private (LevelTable[] Tables, double Error) Improve((GranuleSample Sample, int Granule)[] granules, LevelTable[] start)
    {
        LevelTable[] best = start, current = start;
        double least = double.PositiveInfinity;
        for (int round = 0; round < MostRounds; round++)
        {
            var choices = new Choice[granules.Length];
            LevelTable[] from = current;
            workers.For((granules.Length + GranulesPerItem - 1) / GranulesPerItem, item =>
            {
                for (int i = item * GranulesPerItem; i < Math.Min(granules.Length, (item + 1) * GranulesPerItem); i++)
                    choices[i] = Fit(granules[i].Sample, granules[i].Granule, from);
            });
            double error = choices.Sum(choice => choice.Error);
            if (!(error < least))
                break;
            bool last = !(least - error > LeastGain * error);
            (best, least) = (current, error);
            if (last)
                break;
            current = Refit(granules, choices, current);
        }
        return (best, least);
    }

    private Choice Fit(GranuleSample sample, int granule, LevelTable[] from)
    {
        FittedGranule fitted = _fit.Fit(sample.Weights(granule), sample.Importance(granule), from, default);
        return new Choice(BitConverter.HalfToUInt16Bits(fitted.Scale) & (tables - 1), (float)fitted.Scale, sample.ErrorUnit * fitted.Error);
    }

    private LevelTable[] Start((GranuleSample Sample, int Granule)[] granules)
    {
        var peaks = new double[granules.Length];
        var scales = new float[granules.Length];
        for (int i = 0; i < granules.Length; i++)
        {
            ReadOnlySpan<float> weights = granules[i].Sample.Weights(granules[i].Granule);
            double squares = 0, largest = 0;
            foreach (float weight in weights)
            {
                squares += (double)weight * weight;
                largest = Math.Max(largest, Math.Abs(weight));
            }
            scales[i] = (float)Math.Sqrt(squares / weights.Length);
            peaks[i] = scales[i] == 0 ? 0 : largest / scales[i];
        }
        int[] order = [.. Enumerable.Range(0, granules.Length)];
        Array.Sort(peaks, order);
        var result = new LevelTable[tables];
        for (int table = 0; table < tables; table++)
        {
            int first = (int)((long)granules.Length * table / tables), end = (int)((long)granules.Length * (table + 1) / tables);
            WeightedPoints points = Collect(granules, order[first..Math.Max(end, Math.Min(first + 1, granules.Length))], i => scales[i]);
            result[table] = Table(points.Count == 0 ? [] : points.CubeRootQuantiles(1 << bits)) ?? Uniform();
        }
        return result;
    }

    private LevelTable[] Refit((GranuleSample Sample, int Granule)[] granules, Choice[] choices, LevelTable[] current)
    {
        var result = new LevelTable[tables];
        workers.For(tables, table =>
        {
            int[] own = [.. Enumerable.Range(0, granules.Length).Where(i => choices[i].Table == table)];
            WeightedPoints points = Collect(granules, own, i => choices[i].Scale);
            double[] values = Array.ConvertAll(current[table].Values.ToArray(), value => (double)value);
            result[table] = values.Length != 1 << bits || points.Count == 0 ? current[table]
                : Table(points.Improve(values, MostIterations)) ?? current[table];
        });
        return result;
    }

    private LevelTable? Table(double[] values) =>
        Array.TrueForAll(values, value => value == 0) ? null : CodebookGrid.Create(bits, values, out _);

    private LevelTable Uniform() => UniformGrid.Create(bits, LevelLayout.Full);

    /// <summary>The weights of granules divided by a scale, in ascending order, each counting by its importance and the squared
    /// scale.</summary>
    private static WeightedPoints Collect((GranuleSample Sample, int Granule)[] granules, int[] which, Func<int, float> scaleOf)
    {
        var values = new List<double>();
        var counts = new List<double>();
        foreach (int i in which)
        {
            (GranuleSample sample, int granule) = granules[i];
            ReadOnlySpan<float> weights = sample.Weights(granule), importance = sample.Importance(granule);
            double scale = scaleOf(i), square = sample.ErrorUnit * scale * scale;
            for (int k = 0; k < weights.Length && scale != 0; k++)
            {
                values.Add(weights[k] / scale);
                counts.Add(square * (importance.IsEmpty ? 1 : importance[k]));
            }
        }
        return new WeightedPoints([.. values], [.. counts]);
    }

    private readonly record struct Choice(int Table, float Scale, double Error);
}
