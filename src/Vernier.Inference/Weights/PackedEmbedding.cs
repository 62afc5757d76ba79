using Vernier.Packing;

namespace Vernier.Inference.Weights;

/// <summary>An embedding table whose rows are dequantized as they are looked up.</summary>
/// <param name="table">Tokens x width.</param>
public sealed class PackedEmbedding(PackedMatrix table) : IEmbedding
{
    /// <inheritdoc/>
    public int Count => table.Rows;

    /// <inheritdoc/>
    public int Width => table.Columns;

    /// <inheritdoc/>
    public void Lookup(int token, Span<float> row) => table.DequantizeRow(token, row);
}
