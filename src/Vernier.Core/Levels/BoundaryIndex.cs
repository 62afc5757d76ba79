namespace Vernier.Levels;

/// <summary>
/// Finds the number of boundaries below a value in about constant time: the range is cut into equal cells, and for each it is known how
/// many boundaries lie below; those that may lie within, few unless the levels are those of floats, are searched.
/// </summary>
internal sealed class BoundaryIndex
{
    private const int LeastBoundaries = 100;
    private const int Few = 8;
    private const int Cells = 2048;

    // A value of cell c is below all boundaries of the cell c + 2.
    private const int Margin = 3;

    private readonly float[] _boundaries;
    private readonly byte[] _below = new byte[Cells + Margin];
    private readonly float _first;
    private readonly float _cellsPerUnit;

    private BoundaryIndex(float[] boundaries)
    {
        _boundaries = boundaries;
        _first = boundaries[0];
        _cellsPerUnit = (Cells - 2) / (boundaries[^1] - _first);
        // A cell counts only what lies below the cell before it, so that a rounding error in the cell's number does no harm.
        for (int cell = 1; cell < _below.Length; cell++)
        {
            double edge = _first + (cell - 1.0) / _cellsPerUnit;
            int count = _below[cell - 1];
            while (count < boundaries.Length && boundaries[count] < edge)
                count++;
            _below[cell] = (byte)count;
        }
    }

    /// <summary>An index, or null where there are so few boundaries that counting is faster.</summary>
    public static BoundaryIndex? For(float[] boundaries) =>
        boundaries.Length >= LeastBoundaries && float.IsNormal((Cells - 2) / (boundaries[^1] - boundaries[0]))
            ? new BoundaryIndex(boundaries) : null;

    /// <summary>The number of boundaries that x exceeds.</summary>
    public int Count(float x)
    {
        float position = (x - _first) * _cellsPerUnit;
        // The comparisons also send NaN to the first cell.
        int cell = position > 0 ? (position < Cells - 1 ? (int)position : Cells - 1) : 0;
        int count = _below[cell], end = cell == Cells - 1 ? _boundaries.Length : _below[cell + Margin];
        float[] boundaries = _boundaries;
        while (end - count > Few)
        {
            int middle = (count + end) / 2;
            if (x > boundaries[middle])
                count = middle + 1;
            else
                end = middle;
        }
        while ((uint)count < (uint)boundaries.Length && x > boundaries[count])
            count++;
        return count;
    }
}
