using System.Numerics;

namespace Vernier.Quantization.Solvers.Vectors;

/// <summary>
/// Finds the vector c of a codebook that is nearest to a point x in a metric M: (x - c) M (x - c)^T is least where c M c^T - 2 c (M x^T)
/// is. Of vectors that are
/// equally near the first is taken.
/// </summary>
internal sealed class NearestVector
{
    private readonly int _dimension;
    private readonly int _entries;
    private readonly int _padded;

    // -2 c_i by coordinates, and c M c^T by vectors of the row; behind the last entry what is never least.
    private readonly float[] _planes;
    private readonly float[] _lengths;

    /// <summary>Makes room.</summary>
    /// <param name="entries">2^b.</param>
    /// <param name="dimension">d.</param>
    /// <param name="metrics">The number of metrics.</param>
    public NearestVector(int entries, int dimension, int metrics)
    {
        (_entries, _dimension) = (entries, dimension);
        _padded = (entries + Vector<float>.Count - 1) / Vector<float>.Count * Vector<float>.Count;
        _planes = new float[dimension * _padded];
        _lengths = new float[checked(metrics * _padded)];
        Array.Fill(_lengths, float.PositiveInfinity);
    }

    /// <summary>Takes a codebook.</summary>
    /// <param name="vectors">[2^b, d].</param>
    public void Take(ReadOnlySpan<float> vectors)
    {
        for (int i = 0; i < _dimension; i++)
        {
            for (int c = 0; c < _entries; c++)
                _planes[i * _padded + c] = -2 * vectors[c * _dimension + i];
        }
    }

    /// <summary>Takes a metric for the codebook that it has.</summary>
    /// <param name="number">The number of the metric.</param>
    /// <param name="metric">M, d x d.</param>
    public void Take(int number, ReadOnlySpan<float> metric)
    {
        Span<float> lengths = _lengths.AsSpan(number * _padded, _entries);
        lengths.Clear();
        for (int i = 0; i < _dimension; i++)
        {
            ReadOnlySpan<float> left = _planes.AsSpan(i * _padded, _entries);
            for (int j = 0; j <= i; j++)
            {
                // -2 c_i * -2 c_j is 4 c_i c_j; off the diagonal the product counts twice.
                float weight = metric[i * _dimension + j] * (i == j ? 0.25f : 0.5f);
                if (weight == 0)
                    continue;
                ReadOnlySpan<float> right = _planes.AsSpan(j * _padded, _entries);
                for (int c = 0; c < lengths.Length; c++)
                    lengths[c] += weight * left[c] * right[c];
            }
        }
    }

    /// <summary>The nearest vector.</summary>
    /// <param name="image">M x^T.</param>
    /// <param name="metric">The number of the metric.</param>
    /// <param name="score">Receives c M c^T - 2 c (M x^T).</param>
    public int Find(ReadOnlySpan<float> image, int metric, out float score)
    {
        ReadOnlySpan<float> lengths = _lengths.AsSpan(metric * _padded, _padded);
        var best = new Vector<float>(float.PositiveInfinity);
        Vector<int> at = Vector<int>.Zero, index = Vector<int>.Zero;
        for (int c = 0; c < _padded; c += Vector<float>.Count, index += Vector<int>.One)
        {
            var sum = new Vector<float>(lengths[c..]);
            for (int i = 0; i < image.Length; i++)
                sum += image[i] * new Vector<float>(_planes.AsSpan(i * _padded + c));
            Vector<int> less = Vector.LessThan(sum, best);
            best = Vector.ConditionalSelect(less, sum, best);
            at = Vector.ConditionalSelect(less, index, at);
        }
        int found = at[0] * Vector<float>.Count;
        score = best[0];
        for (int lane = 1; lane < Vector<float>.Count; lane++)
        {
            int entry = at[lane] * Vector<float>.Count + lane;
            if (best[lane] < score || (best[lane] == score && entry < found))
                (found, score) = (entry, best[lane]);
        }
        return found;
    }
}
