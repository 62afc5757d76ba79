using Vernier.Packing;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Solvers;

/// <summary>Granules of a matrix on which the parameters of its grid are chosen.</summary>
public sealed class GranuleSample
{
    private const int SampleElements = 1 << 15;
    private const int LeastGranules = 16;

    private readonly List<(int Offset, int Length)> _granules = [];
    private readonly float[] _weights;
    private readonly float[] _importance;

    private GranuleSample(int elements, double errorUnit, bool weighted)
    {
        _weights = new float[elements];
        _importance = weighted ? new float[elements] : [];
        ErrorUnit = errorUnit;
    }

    /// <summary>What a squared error of 1 on the normalised weights is on the real ones: 4^shift of the matrix.</summary>
    public double ErrorUnit { get; }

    /// <summary>The number of granules.</summary>
    public int Count => _granules.Count;

    /// <summary>The weights of a granule, normalised; see <see cref="WeightMatrix.Shift"/>.</summary>
    public ReadOnlySpan<float> Weights(int granule) => _weights.AsSpan(_granules[granule].Offset, _granules[granule].Length);

    /// <summary>How much each weight of a granule counts; empty where all count alike.</summary>
    public ReadOnlySpan<float> Importance(int granule) => _importance.Length == 0 ? [] : _importance.AsSpan(_granules[granule].Offset, _granules[granule].Length);

    /// <summary>
    /// Takes granules at even distances, about 32768 weights and at least 16 granules, or all if they are no more. Of a matrix with a single
    /// scale the sample is its rows.
    /// </summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="granularity">What a granule is.</param>
    /// <param name="firstRow">The first row.</param>
    /// <param name="rows">The number of rows.</param>
    /// <param name="importance">How much each column counts; empty where all count alike.</param>
    public static GranuleSample Take(WeightMatrix matrix, Granularity granularity, int firstRow, int rows, ReadOnlySpan<float> importance = default)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        int perRow = granularity.ScaleColumns(matrix.Columns), width = granularity.Width(matrix.Columns);
        long all = (long)rows * perRow;
        int count = (int)Math.Min(all, Math.Max(LeastGranules, SampleElements / width));
        var sample = new GranuleSample(checked(count * width), Math.ScaleB(1, 2 * matrix.Shift), !importance.IsEmpty);
        for (int i = 0; i < count; i++)
        {
            long index = all * i / count;
            int row = firstRow + (int)(index / perRow), column = (int)(index % perRow) * width;
            int length = Math.Min(width, matrix.Columns - column), offset = i * width;
            matrix.ReadNormalized(row, column, sample._weights.AsSpan(offset, length));
            if (!importance.IsEmpty)
                importance.Slice(column, length).CopyTo(sample._importance.AsSpan(offset));
            sample._granules.Add((offset, length));
        }
        return sample;
    }
}
