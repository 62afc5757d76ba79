using System.Runtime.InteropServices;
using Vernier.Packing.Scalar;

namespace Vernier.Kernels;

/// <summary>Consecutive columns of one granule that share an activation scale and whose products are added up as integers.</summary>
/// <param name="Column">The first column.</param>
/// <param name="Count">The columns.</param>
/// <param name="Granule">The granule of the row that they belong to.</param>
/// <param name="Quads">Stored groups of four columns: the columns rounded up to the step of the format.</param>
/// <param name="Quad">The stored groups of four before this segment.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Segment(int Column, int Count, int Granule, int Quads, int Quad);

/// <summary>
/// How a matrix is cut for the integer kernels: rows into panels of 16, columns into segments. A segment is a granule, or a part of it of
/// 128 columns where it is wider: activations get a scale for each segment, which is more exact, and no sum leaves 32 bits.
/// </summary>
/// <remarks>
/// Panels do not straddle rows with different level tables: the rows of one grid begin a panel. In a panel the bytes of four columns
/// ("quad") of the 16 rows lie together, row after row, 64 bytes: every 32-bit lane of a register then belongs to one row, its four bytes
/// meet the same four activations in all lanes, and no sum is ever taken across a register. How codes below 8 bits share bytes is
/// documented at <see cref="ICodeFormat"/>.
/// </remarks>
internal sealed class PanelPlan
{
    /// <summary>The rows of a panel.</summary>
    public const int PanelRows = 16;

    /// <summary>The bytes of a quad in a panel, one plane of whole bytes.</summary>
    public const int QuadBytes = 4 * PanelRows;

    private const int MaxSegment = 128;

    /// <summary>Plans a matrix of a scalar layout.</summary>
    /// <param name="spec">How the matrix is packed.</param>
    /// <param name="storedBits">Bits of a code as the kernel stores it: 2, 3, 4, 5, 6 or 8.</param>
    public PanelPlan(ScalarLayout spec, int storedBits)
        : this(spec.Rows, spec.Columns, spec.Granularity.Width(spec.Columns), spec.RowsPerGrid, storedBits)
    {
    }

    /// <summary>Plans a matrix.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="columns">The columns of codes.</param>
    /// <param name="width">The columns of a granule: what shares a scale, and where each has its own, level tables.</param>
    /// <param name="rowsPerGrid">Consecutive rows that share level tables.</param>
    /// <param name="storedBits">Bits of a code as the kernel stores it: 2, 3, 4, 5, 6 or 8.</param>
    public PanelPlan(int rows, int columns, int width, int rowsPerGrid, int storedBits)
    {
        (AllRows, Columns, RowsPerGrid, StoredBits) = (rows, columns, rowsPerGrid, storedBits);
        int step = CodeFormats.StepQuads(storedBits), quad = 0;
        var segments = new List<Segment>();
        for (int first = 0, granule = 0; first < columns; first += width, granule++)
        {
            int end = (int)Math.Min((long)first + width, columns);
            for (int column = first; column < end; column += MaxSegment)
            {
                int count = Math.Min(MaxSegment, end - column), quads = (count + 4 * step - 1) / (4 * step) * step;
                segments.Add(new Segment(column, count, granule, quads, quad));
                quad += quads;
            }
            if (width > columns - first)
                break;
        }
        Segments = [.. segments];
        Quads = quad;
        Granules = (int)(((long)columns + width - 1) / width);
        PanelsPerGrid = (rowsPerGrid + PanelRows - 1) / PanelRows;
        int whole = rows / rowsPerGrid, rest = rows % rowsPerGrid;
        Panels = checked(whole * PanelsPerGrid + (rest + PanelRows - 1) / PanelRows);
        PanelBytes = checked(quad / step * CodeFormats.StepBytes(storedBits));
        IsContiguous = segments.TrueForAll(segment => segment.Quad * 4 == segment.Column) && quad * 4 == columns;
    }

    /// <summary>The rows of the matrix.</summary>
    public int AllRows { get; }

    /// <summary>The columns of codes.</summary>
    public int Columns { get; }

    /// <summary>Consecutive rows that share level tables.</summary>
    public int RowsPerGrid { get; }

    /// <summary>Bits of a stored code.</summary>
    public int StoredBits { get; }

    /// <summary>The segments of every row.</summary>
    public Segment[] Segments { get; }

    /// <summary>The stored quads of a row.</summary>
    public int Quads { get; }

    /// <summary>The granules of a row.</summary>
    public int Granules { get; }

    /// <summary>The panels of the matrix.</summary>
    public int Panels { get; }

    /// <summary>The panels of the rows that share level tables.</summary>
    public int PanelsPerGrid { get; }

    /// <summary>The bytes of the codes of a panel.</summary>
    public int PanelBytes { get; }

    /// <summary>Whether no segment is padded, so that stored columns are the columns.</summary>
    public bool IsContiguous { get; }

    /// <summary>Whether the columns are cut as those of another matrix, so that rounded activations serve both.</summary>
    public bool IsCutAs(PanelPlan other) => Segments.AsSpan().SequenceEqual(other.Segments);

    /// <summary>The first row of a panel.</summary>
    public int Row(int panel) => panel / PanelsPerGrid * RowsPerGrid + panel % PanelsPerGrid * PanelRows;

    /// <summary>The rows of a panel that there are: 1 to 16.</summary>
    public int Rows(int panel)
    {
        int end = Math.Min((panel / PanelsPerGrid + 1) * RowsPerGrid, AllRows);
        return Math.Min(PanelRows, end - Row(panel));
    }
}
