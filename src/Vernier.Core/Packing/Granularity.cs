namespace Vernier.Packing;

/// <summary>Which weights of a matrix share a scale: all of it, a row (output channel), or n consecutive columns of a row.</summary>
/// <param name="GroupColumns">
/// Columns that share a scale, at least 1; 0 for the whole row; -1 for the whole matrix. A row that is no multiple ends in a shorter group.
/// </param>
public readonly record struct Granularity(int GroupColumns)
{
    /// <summary>One scale for the matrix.</summary>
    public static Granularity Tensor => new(-1);

    /// <summary>One scale a row.</summary>
    public static Granularity Channel => new(0);

    /// <summary>One scale for n consecutive columns of a row.</summary>
    public static Granularity Group(int columns)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        return new Granularity(columns);
    }

    /// <summary>The number of rows of the array of scales.</summary>
    public int ScaleRows(int rows) => GroupColumns < 0 ? Math.Min(rows, 1) : rows;

    /// <summary>The number of columns of the array of scales: granules in a row.</summary>
    public int ScaleColumns(int columns) => GroupColumns <= 0 ? Math.Min(columns, 1)
        : (int)(((long)columns + GroupColumns - 1) / GroupColumns);

    /// <summary>The columns of a granule that is not cut short.</summary>
    public int Width(int columns) => GroupColumns <= 0 ? columns : GroupColumns;

    /// <inheritdoc/>
    public override string ToString() => GroupColumns switch
    {
        < 0 => "tensor",
        0 => "channel",
        _ => $"group {GroupColumns}",
    };
}
