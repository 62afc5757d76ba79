using Vernier.Numerics;

namespace Vernier.Quantization.Solvers.Vectors;

/// <summary>
/// The codebook of a rectangle of weights, by expectation and maximisation: each point x takes the vector c with the least (x - c) M (x -
/// c)^T, each vector becomes
/// (sum of M)^-1 (sum of M x) over its points, which count by their weights; the objective, the weighted sum, never rises. It starts from
/// points at even distances
/// in the order of their Mahalanobis distance, in one dimension of their value. A vector that has no points takes the place of the point
/// with the largest error.
/// <para>M. van Baalen, A. Kuzmin, M. Nagel, P. Couperus, C. Bastoul, E. Mahurin, T. Blankevoort, P. Whatmough: GPTVQ: the blessing of
/// dimensionality for LLM
/// quantization, 2024. The start in one dimension and the care for empty vectors are ours.</para>
/// </summary>
internal sealed class CodebookFit
{
    private const int ChunkPoints = 4096;
    private const double LeastGain = 1e-5;

    private readonly int _d;
    private readonly int _entries;
    private readonly int _across;
    private readonly VectorMetric _metric;
    private readonly int _firstVector;
    private readonly float[] _points;
    private readonly float[] _weights;
    private readonly float[] _images;
    private readonly float[] _scores;
    private readonly byte[] _codes;
    private readonly NearestVector _nearest;
    private readonly double _squares;
    private readonly Workers _workers;

    /// <summary>Takes the points.</summary>
    /// <param name="points">Rows x across x d; row by row.</param>
    /// <param name="weights">How much each point counts; empty where all count alike.</param>
    /// <param name="metric">M by the vectors of a row.</param>
    /// <param name="firstVector">The number of the first vector of each row in the metric.</param>
    /// <param name="across">The vectors of a row.</param>
    /// <param name="entries">2^b.</param>
    /// <param name="dimension">d.</param>
    /// <param name="workers">Who fits; null for all processors.</param>
    public CodebookFit(float[] points, float[] weights, VectorMetric metric, int firstVector, int across, int entries, int dimension,
        Workers? workers = null)
    {
        (_points, _weights, _metric, _firstVector, _across, _entries, _d) =
            (points, weights, metric, firstVector, across, entries, dimension);
        _workers = workers ?? Workers.Shared;
        int count = points.Length / dimension;
        _images = new float[points.Length];
        _scores = new float[count];
        _codes = new byte[count];
        _nearest = new NearestVector(entries, dimension, across);
        Vectors = new float[entries * dimension];
        for (int point = 0; point < count; point++)
        {
            Span<float> image = _images.AsSpan(point * dimension, dimension);
            ReadOnlySpan<float> x = points.AsSpan(point * dimension, dimension);
            Multiply(metric.Of(firstVector + point % across), x, image);
            double sum = 0;
            for (int i = 0; i < dimension; i++)
                sum += (double)image[i] * x[i];
            _squares += Weight(point) * sum;
        }
    }

    /// <summary>The codebook, [2^b, d].</summary>
    public float[] Vectors { get; }

    /// <summary>The index of each point.</summary>
    public ReadOnlySpan<byte> Codes => _codes;

    /// <summary>M x.</summary>
    public static void Multiply(ReadOnlySpan<float> metric, ReadOnlySpan<float> x, Span<float> image)
    {
        for (int i = 0; i < x.Length; i++)
        {
            float sum = 0;
            for (int j = 0; j < x.Length; j++)
                sum += metric[i * x.Length + j] * x[j];
            image[i] = sum;
        }
    }

    /// <summary>Finds the codebook.</summary>
    /// <param name="iterations">The most iterations; it stops where the objective falls by less than 1e-5 of itself.</param>
    public void Run(int iterations)
    {
        Seed();
        double before = Assign();
        for (int iteration = 0; iteration < iterations; iteration++)
        {
            Update();
            double now = Assign();
            if (!(before - now > LeastGain * before))
                break;
            before = now;
        }
    }

    /// <summary>Takes the first codebook from the points.</summary>
    internal void Seed()
    {
        int count = _codes.Length;
        double[] keys = _d == 1 ? Array.ConvertAll(_points, point => (double)point) : Distances();
        int[] order = [.. Enumerable.Range(0, count)];
        Array.Sort(keys, order);
        for (int entry = 0; entry < _entries; entry++)
        {
            int point = order[(int)((entry + 0.5) * count / _entries)];
            _points.AsSpan(point * _d, _d).CopyTo(Vectors.AsSpan(entry * _d, _d));
        }
    }

    /// <summary>Gives each point the nearest vector, and returns the objective.</summary>
    internal double Assign()
    {
        Take(_nearest, Vectors, _metric, _firstVector, _across);
        int chunks = Chunks;
        var sums = new double[chunks];
        _workers.For(chunks, chunk =>
        {
            double sum = 0;
            for (int point = chunk * ChunkPoints; point < Math.Min(_codes.Length, (chunk + 1) * ChunkPoints); point++)
            {
                _codes[point] = (byte)_nearest.Find(_images.AsSpan(point * _d, _d), point % _across, out _scores[point]);
                sum += Weight(point) * _scores[point];
            }
            sums[chunk] = sum;
        });
        return Math.Max(0, _squares + sums.Sum());
    }

    /// <summary>Moves each vector to where its points want it.</summary>
    internal void Update()
    {
        int square = _d * _d, length = square + _d;
        var sums = new double[Chunks][];
        _workers.For(sums.Length, chunk =>
        {
            double[] own = sums[chunk] = new double[_entries * length];
            for (int point = chunk * ChunkPoints; point < Math.Min(_codes.Length, (chunk + 1) * ChunkPoints); point++)
            {
                Span<double> target = own.AsSpan(_codes[point] * length, length);
                ReadOnlySpan<float> metric = _metric.Of(_firstVector + point % _across), image = _images.AsSpan(point * _d, _d);
                double weight = Weight(point);
                for (int i = 0; i < square; i++)
                    target[i] += weight * metric[i];
                for (int i = 0; i < _d; i++)
                    target[square + i] += weight * image[i];
            }
        });
        var empty = new List<int>();
        for (int entry = 0; entry < _entries; entry++)
        {
            Span<double> total = sums[0].AsSpan(entry * length, length);
            for (int chunk = 1; chunk < sums.Length; chunk++)
            {
                for (int i = 0; i < length; i++)
                    total[i] += sums[chunk][entry * length + i];
            }
            double trace = 0;
            for (int i = 0; i < _d; i++)
                trace += total[i * (_d + 1)];
            if (trace == 0)
                empty.Add(entry);
            else
                Solve(total[..square], total[square..], Vectors.AsSpan(entry * _d, _d));
        }
        Fill(empty);
    }

    /// <summary>Gives the codebook and its metrics to a search.</summary>
    public static void Take(NearestVector nearest, ReadOnlySpan<float> vectors, VectorMetric metric, int firstVector, int across)
    {
        nearest.Take(vectors);
        for (int vector = 0; vector < across; vector++)
            nearest.Take(vector, metric.Of(firstVector + vector));
    }

    private int Chunks => (_codes.Length + ChunkPoints - 1) / ChunkPoints;

    private float Weight(int point) => _weights.Length == 0 ? 1 : _weights[point];

    /// <summary>Vectors without points go to the points with the largest errors.</summary>
    private void Fill(List<int> empty)
    {
        if (empty.Count == 0)
            return;
        var errors = new double[_codes.Length];
        for (int point = 0; point < errors.Length; point++)
        {
            double sum = _scores[point];
            for (int i = 0; i < _d; i++)
                sum += (double)_images[point * _d + i] * _points[point * _d + i];
            errors[point] = -Weight(point) * sum;
        }
        int[] order = [.. Enumerable.Range(0, errors.Length)];
        Array.Sort(errors, order);
        for (int i = 0; i < Math.Min(empty.Count, order.Length); i++)
            _points.AsSpan(order[i] * _d, _d).CopyTo(Vectors.AsSpan(empty[i] * _d, _d));
    }

    /// <summary>(x - m) S^-1 (x - m)^T of each point, m and S the mean and the covariance of all.</summary>
    private double[] Distances()
    {
        int count = _codes.Length;
        double[] mean = new double[_d], covariance = new double[_d * _d], shifted = new double[_d], work = new double[_d * _d];
        for (int i = 0; i < _points.Length; i++)
            mean[i % _d] += _points[i] / (double)count;
        for (int point = 0; point < count; point++)
        {
            for (int i = 0; i < _d; i++)
            {
                for (int j = 0; j < _d; j++)
                    covariance[i * _d + j] += (_points[point * _d + i] - mean[i]) * (_points[point * _d + j] - mean[j]);
            }
        }
        var distances = new double[count];
        var solved = new double[_d];
        for (int point = 0; point < count; point++)
        {
            for (int i = 0; i < _d; i++)
                shifted[i] = _points[point * _d + i] - mean[i];
            covariance.CopyTo(work, 0);
            SmallSystem.Solve(work, shifted, solved);
            for (int i = 0; i < _d; i++)
                distances[point] += solved[i] * (_points[point * _d + i] - mean[i]);
        }
        return distances;
    }

    private void Solve(Span<double> matrix, Span<double> right, Span<float> vector)
    {
        Span<double> solved = stackalloc double[_d];
        SmallSystem.Solve(matrix, right, solved);
        for (int i = 0; i < _d; i++)
            vector[i] = (float)solved[i];
    }
}
