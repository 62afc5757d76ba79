namespace Vernier.Kernels;

/// <summary>Reads the codes of a row, one byte each; called from several threads at once.</summary>
/// <param name="row">The row.</param>
/// <param name="codes">Receives <see cref="PanelSource.Columns"/> codes, all bits above a code zero.</param>
public delegate void CodeReader(int row, Span<byte> codes);

/// <summary>
/// A matrix for the integer kernels whose codes are no single table of levels: what several parts make of the same codes is added up. Part p gives the weight of
/// row r and input column d c + <see cref="PanelPart.View"/>, with d the number of views,
/// <code>unit_p * scale_p[r, g] * (level_p[r, g][code[r, c]] - zero_p[r, g]) + minimum_p[r, g],   g = c / width</code>
/// </summary>
/// <param name="rows">Output channels.</param>
/// <param name="inputColumns">Input channels; the last code of a row may stand for fewer than there are views.</param>
/// <param name="views">Columns that a code stands for: 1 to 4.</param>
/// <param name="width">The columns of codes that share a scale, and where each granule has its own, level tables.</param>
/// <param name="bits">Bits of a code, 2 to 8.</param>
/// <param name="rowsPerTable">Consecutive rows that share level tables: at least 16, or all.</param>
/// <param name="read">Reads the codes.</param>
/// <param name="parts">What the codes are made into.</param>
public sealed class PanelSource(
    int rows, int inputColumns, int views, int width, int bits, int rowsPerTable, CodeReader read, IReadOnlyList<PanelPart> parts)
{
    /// <summary>Output channels.</summary>
    public int Rows { get; } = rows;

    /// <summary>Input channels; the last code of a row may stand for fewer than there are views.</summary>
    public int InputColumns { get; } = inputColumns;

    /// <summary>Columns that a code stands for: 1 to 4.</summary>
    public int Views { get; } = views;

    /// <summary>The columns of codes that share a scale, and where each granule has its own, level tables.</summary>
    public int Width { get; } = width;

    /// <summary>Bits of a code, 2 to 8.</summary>
    public int Bits { get; } = bits;

    /// <summary>Consecutive rows that share level tables: at least 16, or all.</summary>
    public int RowsPerTable { get; } = rowsPerTable;

    /// <summary>Reads the codes.</summary>
    public CodeReader Read { get; } = read;

    /// <summary>What the codes are made into.</summary>
    public IReadOnlyList<PanelPart> Parts { get; } = parts;

    /// <summary>The columns of codes.</summary>
    public int Columns => (InputColumns + Views - 1) / Views;

    /// <summary>The granules of a row.</summary>
    public int Granules => (Columns + Width - 1) / Width;

    /// <summary>The entries of a level table.</summary>
    public int Entries => 1 << Bits;

    /// <summary>Whether the integer kernels can run it: panels are of 16 rows that share level tables.</summary>
    public bool IsSupported => RowsPerTable >= PanelPlan.PanelRows || RowsPerTable >= Rows;

    /// <summary>The levels of a part for a row and granule.</summary>
    public ReadOnlySpan<sbyte> LevelsOf(PanelPart part, int row, int granule) =>
        part.Levels.AsSpan(((part.LevelsPerGranule ? Granules : 1) * (row / RowsPerTable) + (part.LevelsPerGranule ? granule : 0)) * Entries, Entries);
}

/// <summary>What codes are made into; see <see cref="PanelSource"/>.</summary>
public sealed class PanelPart
{
    /// <summary>[groups of rows][granules, where each has its own][entries].</summary>
    public required sbyte[] Levels { get; init; }

    /// <summary>Whether each granule has its own levels.</summary>
    public bool LevelsPerGranule { get; init; }

    /// <summary>A power of two; 1 where scales are in single precision.</summary>
    public float Unit { get; init; } = 1;

    /// <summary>[rows][granules] in half precision, finite; empty where scales are in single precision.</summary>
    public ReadOnlyMemory<Half> Scales { get; init; }

    /// <summary>[rows][granules] in single precision, finite; empty where scales are in half precision.</summary>
    public ReadOnlyMemory<float> WideScales { get; init; }

    /// <summary>[rows][granules]: what is taken away from every level; empty where nothing is.</summary>
    public ReadOnlyMemory<sbyte> Zeros { get; init; }

    /// <summary>[rows][granules]: what is added to every weight; empty where nothing is.</summary>
    public ReadOnlyMemory<float> Minimums { get; init; }

    /// <summary>Which of the columns of a code the part is for: below the number of views.</summary>
    public int View { get; init; }
}
