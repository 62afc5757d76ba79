using Vernier.Kernels;
using Vernier.Packing;

namespace Vernier.Inference.Weights;

/// <summary>An embedding table whose rows are dequantized as they are looked up.</summary>
public sealed class PackedEmbedding : IEmbedding
{
    private readonly PackedMatrix? _table;
    private readonly PreparedRows? _rows;
    private readonly Outliers? _outliers;
    private readonly LowRank? _lowRank;

    /// <summary>Looks up in a matrix.</summary>
    /// <param name="table">Tokens x width.</param>
    public PackedEmbedding(PackedMatrix table)
    {
        ArgumentNullException.ThrowIfNull(table);
        (_table, Count, Width) = (table, table.Rows, table.Columns);
    }

    /// <summary>Looks up in a matrix that is ready for integer products, and is the output layer as well.</summary>
    /// <param name="layout">How the matrix was stored.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="outliers">What is added to some weights, or null.</param>
    /// <param name="lowRank">The matrix of low rank that is added, or null.</param>
    public PackedEmbedding(PackedLayout layout, PreparedRows rows, Outliers? outliers = null, LowRank? lowRank = null)
    {
        ArgumentNullException.ThrowIfNull(layout);
        ArgumentNullException.ThrowIfNull(rows);
        (_rows, _outliers, _lowRank, Count, Width) = (rows, outliers, lowRank, layout.Rows, layout.Columns);
    }

    /// <inheritdoc/>
    public int Count { get; }

    /// <inheritdoc/>
    public int Width { get; }

    /// <summary>Whether the table is that of a layer made ready for integer products.</summary>
    internal bool SharesWeights => _rows is not null;

    /// <inheritdoc/>
    public void Lookup(int token, Span<float> row)
    {
        if (_table is not null)
        {
            _table.DequantizeRow(token, row);
            return;
        }
        _rows!.Decode(token, row);
        _outliers?.AddTo(token, row);
        _lowRank?.AddTo(token, row);
    }
}
