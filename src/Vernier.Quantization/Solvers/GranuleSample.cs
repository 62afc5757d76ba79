using Vernier.Grids;
using Vernier.Packing;
using Vernier.Quantization.Pipeline;

namespace Vernier.Quantization.Solvers;

/// <summary>Granules of a matrix on which the parameters of its grid are chosen.</summary>
public sealed class GranuleSample
{
    private const int SampleElements = 1 << 15;
    private const int LeastGranules = 16;

    private readonly List<(int Offset, int Length, int Column)> _granules = [];
    private readonly float[] _weights;
    private readonly ReadOnlyMemory<float> _importance;

    private GranuleSample(int elements, ReadOnlyMemory<float> importance, int shift)
    {
        _weights = new float[elements];
        _importance = importance;
        UnitShift = shift;
    }

    /// <summary>The power of two that the units of tables for this matrix are multiplied with; see <see cref="ShiftFor"/>.</summary>
    public int UnitShift { get; }

    /// <summary>The number of granules.</summary>
    public int Count => _granules.Count;

    /// <summary>The weights of a granule.</summary>
    public ReadOnlySpan<float> Weights(int granule) => _weights.AsSpan(_granules[granule].Offset, _granules[granule].Length);

    /// <summary>The importance of the weights of a granule, or empty.</summary>
    public ReadOnlySpan<float> Importance(int granule) =>
        _importance.IsEmpty ? default : _importance.Span.Slice(_granules[granule].Column, _granules[granule].Length);

    /// <summary>
    /// Takes granules at even distances, about 32768 weights and at least 16 granules, or all if they are no more. Of a matrix with a single
    /// scale the sample is its rows.
    /// </summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="granularity">What a granule is.</param>
    /// <param name="importance">The importance of each column, or empty.</param>
    /// <param name="firstRow">The first row.</param>
    /// <param name="rows">The number of rows.</param>
    /// <param name="shift">From <see cref="ShiftFor"/>.</param>
    public static GranuleSample Take(WeightMatrix matrix, Granularity granularity, ReadOnlyMemory<float> importance, int firstRow, int rows, int shift)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        int perRow = granularity.ScaleColumns(matrix.Columns), width = granularity.Width(matrix.Columns);
        long all = (long)rows * perRow;
        int count = (int)Math.Min(all, Math.Max(LeastGranules, SampleElements / width));
        var sample = new GranuleSample(checked(count * width), importance, shift);
        for (int i = 0; i < count; i++)
        {
            long index = all * i / count;
            int row = firstRow + (int)(index / perRow), column = (int)(index % perRow) * width;
            int length = Math.Min(width, matrix.Columns - column), offset = i * width;
            matrix.Read(row, column, sample._weights.AsSpan(offset, length));
            sample._granules.Add((offset, length, column));
        }
        return sample;
    }

    /// <summary>
    /// The power of two, as its exponent, next above the largest weight of a matrix: with it in the unit of the level table the largest scale
    /// is about 1, so that half precision holds every scale of the matrix, however large or small its weights are.
    /// </summary>
    public static int ShiftFor(float largestWeight) =>
        largestWeight == 0 ? 0 : Math.Clamp(Math.ILogB(largestWeight) + 1, -100, 120);

    /// <summary>A table with its unit multiplied by 2^shift.</summary>
    public static LevelTable Shift(LevelTable table, int shift)
    {
        ArgumentNullException.ThrowIfNull(table);
        return table.WithUnit(MathF.ScaleB(table.Unit, shift));
    }
}
