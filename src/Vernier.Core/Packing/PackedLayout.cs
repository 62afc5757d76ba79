using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files;

namespace Vernier.Packing;

/// <summary>
/// How one weight matrix is stored: all that is needed, without the data, to know every array that is stored for it and its size. A layout
/// is the codes of a
/// grid and, beside them, what any grid may have: outliers, and a matrix of low rank, which are added.
/// </summary>
/// <param name="Rows">Output channels, at least 1.</param>
/// <param name="Columns">Input channels, at least 1.</param>
public abstract record PackedLayout(int Rows, int Columns)
{
    /// <summary>The name of the layout in <c>quantization_config</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>The bits of the code of a weight, 1 to 8, for reports; not whole where several weights share a code. What is really stored
    /// is <see cref="StoredBytes"/>.</summary>
    public abstract double CodeBits { get; }

    /// <summary>The layout in a few words, such as "4 bits, group 64".</summary>
    public abstract string Summary { get; }

    /// <summary>The columns that share a scale, 0 for a whole row, -1 for the matrix: see <see cref="Granularity.GroupColumns"/>.</summary>
    public abstract int GroupColumns { get; }

    /// <summary>Single weights to which a number in half precision is added; 0 where there are none.</summary>
    public int Outliers { get; init; }

    /// <summary>Whole columns to whose weights numbers in half precision are added; 0 where there are none. Not beside single
    /// weights.</summary>
    public int OutlierColumns { get; init; }

    /// <summary>
    /// The type of outliers that are kept bit for bit, F16, BF16 or F32: that of the source. They are numbers of their own, not multiples
    /// of the unit, and their codes stand
    /// for zero. Null where outliers are in half precision and units of the matrix.
    /// </summary>
    public ElementType? OutlierSource { get; init; }

    /// <summary>The type in which outliers are stored.</summary>
    public ElementType OutlierType => OutlierSource ?? ElementType.F16;

    /// <summary>The rank of a matrix that is added, whose factors are stored in 8 bits: see <see cref="LowRank"/>; 0 where there is
    /// none.</summary>
    public int Rank { get; init; }

    /// <summary>The numbers that are added one by one.</summary>
    public int OutlierValues => OutlierColumns > 0 ? checked(Rows * OutlierColumns) : Outliers;

    /// <summary>Whether columns, and counts of them, are stored in 16 bits; otherwise in 32.</summary>
    public bool NarrowIndices => Columns <= ushort.MaxValue;

    /// <summary>The bytes of all stored arrays, without the file's header.</summary>
    public long StoredBytes => Arrays("").Sum(array => array.Bytes);

    /// <summary>
    /// The arrays that are stored for the matrix <paramref name="name"/>, in the order in which they are stored: those of the codes, and
    /// <list type="bullet">
    /// <item><c>name.outlier_counts</c>, U16 or U32 [rows]: the outliers of each row; only where single weights have them.</item>
    /// <item><c>name.outlier_columns</c>, U16 or U32 [outliers]: their columns, ascending in each row; or those of whole columns.</item>
    /// <item><c>name.outliers</c>, F16 [outliers], or [rows, columns with outliers]: what is added, in units of
    /// <see cref="PackedMatrix.Unit"/>; or in the type of the source, of unit 1.</item>
    /// <item><c>name.low_rank_left</c>, I8 [rows, rank], <c>name.low_rank_right</c>, I8 [rank, columns], and <c>name.low_rank_scales</c>,
    /// F32 [rank].</item>
    /// </list>
    /// </summary>
    public IReadOnlyList<TensorInfo> Arrays(string name)
    {
        List<TensorInfo> arrays = [.. CodeArrays(name)];
        ElementType index = NarrowIndices ? ElementType.U16 : ElementType.U32;
        if (Outliers > 0)
        {
            arrays.Add(new($"{name}.outlier_counts", index, [Rows]));
            arrays.Add(new($"{name}.outlier_columns", index, [Outliers]));
            arrays.Add(new($"{name}.outliers", OutlierType, [Outliers]));
        }
        if (OutlierColumns > 0)
        {
            arrays.Add(new($"{name}.outlier_columns", index, [OutlierColumns]));
            arrays.Add(new($"{name}.outliers", OutlierType, [Rows, OutlierColumns]));
        }
        if (Rank > 0)
        {
            arrays.Add(new($"{name}.low_rank_left", ElementType.I8, [Rows, Rank]));
            arrays.Add(new($"{name}.low_rank_right", ElementType.I8, [Rank, Columns]));
            arrays.Add(new($"{name}.low_rank_scales", ElementType.F32, [Rank]));
        }
        return arrays;
    }

    /// <summary>The arrays of the codes and of what is needed to read them, in the order in which they are stored.</summary>
    protected abstract IEnumerable<TensorInfo> CodeArrays(string name);

    /// <summary>Puts what a reader must know, beyond the shape and what any grid may have, into the entry of the matrix in
    /// <c>quantization_config</c>.</summary>
    public abstract void Describe(JsonObject entry);

    /// <summary>Reads the codes of a matrix.</summary>
    /// <param name="arrays">Its arrays, of the types and shapes that the layout gives.</param>
    /// <exception cref="InvalidFileException">An array holds what no writer writes.</exception>
    public abstract PackedMatrix Read(PackedArrays arrays);
}
