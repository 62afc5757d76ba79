namespace Vernier.Packing;

/// <summary>A weight matrix in packed form, of any layout.</summary>
public abstract class PackedMatrix
{
    /// <summary>Creates the part that all layouts share.</summary>
    /// <param name="layout">How the matrix is stored.</param>
    /// <param name="outliers">What is added to some weights; null where the layout has no outliers.</param>
    /// <exception cref="ArgumentException">There are outliers where the layout has none, or none where it has some.</exception>
    protected PackedMatrix(PackedLayout layout, Outliers? outliers)
    {
        ArgumentNullException.ThrowIfNull(layout);
        if ((outliers is null) != (layout.OutlierValues == 0))
            throw new ArgumentException("the outliers are not those that the layout gives", nameof(outliers));
        (Layout, Outliers) = (layout, outliers);
    }

    /// <summary>How the matrix is stored.</summary>
    public PackedLayout Layout { get; }

    /// <summary>Output channels.</summary>
    public int Rows => Layout.Rows;

    /// <summary>Input channels.</summary>
    public int Columns => Layout.Columns;

    /// <summary>What is added to some weights, or null.</summary>
    public Outliers? Outliers { get; }

    /// <summary>The matrix of low rank that is added, or null; see <see cref="Add"/>.</summary>
    public LowRank? LowRank { get; private set; }

    /// <summary>The power of two that 1 stands for among the outliers.</summary>
    public abstract float Unit { get; }

    /// <summary>The exponents of its power grids; empty where it has none.</summary>
    public virtual IReadOnlyList<double> Exponents => [];

    /// <summary>Adds the matrix of low rank that the layout has. It is found last, from what the rest leaves.</summary>
    /// <exception cref="InvalidOperationException">The layout has none, or it is there already.</exception>
    public void Add(LowRank lowRank)
    {
        ArgumentNullException.ThrowIfNull(lowRank);
        if (Layout.Rank == 0 || LowRank is not null)
            throw new InvalidOperationException("the layout has no matrix of low rank, or it is there already");
        LowRank = lowRank;
    }

    /// <summary>Refuses outliers of another unit than the matrix, or than 1 where they are those of the source.</summary>
    /// <exception cref="ArgumentException">They have another.</exception>
    protected void CheckUnit(float unit)
    {
        if (Outliers is not null && Outliers.Unit != (Layout.OutlierSource is null ? unit : 1))
            throw new ArgumentException("the outliers have another unit than the matrix", nameof(unit));
    }

    /// <summary>One row in single precision, all that is added included.</summary>
    /// <param name="row">From 0.</param>
    /// <param name="destination">Receives <see cref="Columns"/> weights.</param>
    public void DequantizeRow(int row, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(destination.Length, Columns);
        DecodeRow(row, destination[..Columns]);
        Outliers?.AddTo(row, destination);
        LowRank?.AddTo(row, destination);
    }

    /// <summary>What the codes of one row stand for, without what is added.</summary>
    /// <param name="row">From 0.</param>
    /// <param name="destination">Receives <see cref="Columns"/> weights.</param>
    protected abstract void DecodeRow(int row, Span<float> destination);

    /// <summary>The bytes of each stored array, in the order of <see cref="PackedLayout.Arrays"/>.</summary>
    /// <exception cref="InvalidOperationException">The matrix of low rank that the layout has was not added yet.</exception>
    public IEnumerable<ReadOnlyMemory<byte>> ArrayBytes()
    {
        if ((LowRank is null) != (Layout.Rank == 0))
            throw new InvalidOperationException("the matrix of low rank that the layout has is missing");
        return [.. CodeArrayBytes(), .. Outliers?.ArrayBytes() ?? [], .. LowRank?.ArrayBytes() ?? []];
    }

    /// <summary>The bytes of the arrays of the codes, in the order of <see cref="PackedLayout.CodeArrays"/>.</summary>
    protected abstract IEnumerable<ReadOnlyMemory<byte>> CodeArrayBytes();
}
