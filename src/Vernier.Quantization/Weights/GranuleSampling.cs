using Vernier.Grids.Specs;
using Vernier.Packing;

namespace Vernier.Quantization.Weights;

/// <summary>Takes granules of a matrix on which the parameters of its grid are chosen.</summary>
public static class GranuleSampling
{
    private const int SampleElements = 1 << 15;
    private const int LeastGranules = 16;

    /// <summary>
    /// Takes granules at even distances, about 32768 weights and at least 16 granules, or all if they are no more. Of a matrix with a
    /// single
    /// scale the sample is its rows.
    /// </summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="granularity">What a granule is.</param>
    /// <param name="firstRow">The first row.</param>
    /// <param name="rows">The number of rows.</param>
    /// <param name="importance">How much each column counts; empty where all count alike.</param>
    public static GranuleSample Take(WeightMatrix matrix, Granularity granularity, int firstRow, int rows,
        ReadOnlySpan<float> importance = default)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        int perRow = granularity.ScaleColumns(matrix.Columns), width = granularity.Width(matrix.Columns);
        long all = (long)rows * perRow;
        int count = (int)Math.Min(all, Math.Max(LeastGranules, SampleElements / width));
        var weights = new float[checked(count * width)];
        float[] counts = importance.IsEmpty ? [] : new float[weights.Length];
        var granules = new (int Offset, int Length)[count];
        for (int i = 0; i < count; i++)
        {
            long index = all * i / count;
            int row = firstRow + (int)(index / perRow), column = (int)(index % perRow) * width;
            int length = Math.Min(width, matrix.Columns - column), offset = i * width;
            matrix.ReadNormalized(row, column, weights.AsSpan(offset, length));
            if (!importance.IsEmpty)
                importance.Slice(column, length).CopyTo(counts.AsSpan(offset));
            granules[i] = (offset, length);
        }
        return new GranuleSample(weights, counts, granules, Math.ScaleB(1, 2 * matrix.Shift));
    }
}
