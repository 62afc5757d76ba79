using Vernier.Files;

namespace Vernier.Packing;

/// <summary>
/// How one weight matrix is packed: all that is needed, without the data, to know every array that is stored for it and its size.
/// </summary>
/// <param name="Rows">Output channels, at least 1.</param>
/// <param name="Columns">Input channels, at least 1.</param>
/// <param name="Bits">Bits of a code, 2 to 8.</param>
/// <param name="Granularity">Which weights share a scale.</param>
/// <param name="RowsPerGrid">Consecutive rows that share their level tables, at least 1; <paramref name="Rows"/> where all do.</param>
/// <param name="Tables">
/// The level tables that each granule of these rows may choose from: 1, 2, 4 or 8. The choice is held by the last log2(Tables) bits of the
/// granule's scale, which thereby has so many bits less of precision: it costs no storage.
/// </param>
/// <param name="WideLevels">Whether levels are stored in 16 bits; otherwise in 8.</param>
/// <param name="ZeroPoints">Whether each granule has a zero point: the code that stands for zero.</param>
public sealed record PackedTensorSpec(int Rows, int Columns, int Bits, Granularity Granularity, int RowsPerGrid, int Tables, bool WideLevels, bool ZeroPoints)
{
    /// <summary>Single weights to which a number in half precision is added; 0 where there are none.</summary>
    public int Outliers { get; init; }

    /// <summary>Whole columns to whose weights numbers in half precision are added; 0 where there are none. Not beside single weights.</summary>
    public int OutlierColumns { get; init; }

    /// <summary>The numbers that are added.</summary>
    public int OutlierValues => OutlierColumns > 0 ? checked(Rows * OutlierColumns) : Outliers;

    /// <summary>Whether columns, and counts of them, are stored in 16 bits; otherwise in 32.</summary>
    public bool NarrowIndices => Columns <= ushort.MaxValue;

    /// <summary>The number of level tables of all rows.</summary>
    public int Grids => checked((int)(((long)Rows + RowsPerGrid - 1) / RowsPerGrid * Tables));

    /// <summary>The bytes of a packed row of codes.</summary>
    public int BytesPerRow => checked((int)CodePacking.BytesPerRow(Columns, Bits));

    /// <summary>The number of scales.</summary>
    public int Scales => checked(Granularity.ScaleRows(Rows) * Granularity.ScaleColumns(Columns));

    /// <summary>The bytes of all packed zero points, 0 where there are none.</summary>
    public int ZeroBytes => ZeroPoints ? checked((int)(Granularity.ScaleRows(Rows) * CodePacking.BytesPerRow(Granularity.ScaleColumns(Columns), Bits))) : 0;

    /// <summary>
    /// The arrays that are stored for the matrix <paramref name="name"/>, in the order in which they are stored:
    /// <list type="bullet">
    /// <item><c>name.grid</c>, F32 [grids, 3]: the exponent of each level table, its offset, and its unit, a power of two.</item>
    /// <item><c>name.levels</c>, I8 or I16 [grids, 2^bits]: the level of each code; ascending.</item>
    /// <item><c>name.scales</c>, F16 [scale rows, granules a row].</item>
    /// <item><c>name.zeros</c>, U8 [scale rows, packed bytes]: the zero points, packed like codes; only of an asymmetric grid.</item>
    /// <item><c>name.codes</c>, U8 [rows, packed bytes].</item>
    /// <item><c>name.outlier_counts</c>, U16 or U32 [rows]: the outliers of each row; only where single weights have them.</item>
    /// <item><c>name.outlier_columns</c>, U16 or U32 [outliers]: their columns, ascending in each row; or those of whole columns.</item>
    /// <item><c>name.outliers</c>, F16 [outliers], or [rows, columns with outliers]: what is added, in units of the first level table.</item>
    /// </list>
    /// A weight is scale * unit * (level[code] - level[zero]), the last term only where there are zero points, and its outlier.
    /// </summary>
    public IReadOnlyList<TensorInfo> Arrays(string name)
    {
        long scaleRows = Granularity.ScaleRows(Rows), scaleColumns = Granularity.ScaleColumns(Columns);
        List<TensorInfo> arrays =
        [
            new($"{name}.grid", ElementType.F32, [Grids, 3]),
            new($"{name}.levels", WideLevels ? ElementType.I16 : ElementType.I8, [Grids, 1L << Bits]),
            new($"{name}.scales", ElementType.F16, [scaleRows, scaleColumns]),
        ];
        if (ZeroPoints)
            arrays.Add(new($"{name}.zeros", ElementType.U8, [scaleRows, ZeroBytes / scaleRows]));
        arrays.Add(new($"{name}.codes", ElementType.U8, [Rows, BytesPerRow]));
        ElementType index = NarrowIndices ? ElementType.U16 : ElementType.U32;
        if (Outliers > 0)
        {
            arrays.Add(new($"{name}.outlier_counts", index, [Rows]));
            arrays.Add(new($"{name}.outlier_columns", index, [Outliers]));
            arrays.Add(new($"{name}.outliers", ElementType.F16, [Outliers]));
        }
        if (OutlierColumns > 0)
        {
            arrays.Add(new($"{name}.outlier_columns", index, [OutlierColumns]));
            arrays.Add(new($"{name}.outliers", ElementType.F16, [Rows, OutlierColumns]));
        }
        return arrays;
    }

    /// <summary>The level table of a granule.</summary>
    /// <param name="row">The granule's row.</param>
    /// <param name="scale">The granule's scale.</param>
    public int GridOf(int row, Half scale) => row / RowsPerGrid * Tables + (BitConverter.HalfToUInt16Bits(scale) & (Tables - 1));

    /// <summary>The bytes of all stored arrays, without the file's header.</summary>
    public long StoredBytes => Arrays("").Sum(array => array.Bytes);
}
