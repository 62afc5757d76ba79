using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Inference.Weights;

namespace Vernier.Quantization.Networks;

/// <summary>An embedding table that stays in its file: the row of a token is read when it is looked up.</summary>
/// <param name="checkpoint">The checkpoint, which must outlive the table.</param>
/// <param name="table">Tokens x width.</param>
internal sealed class CheckpointEmbedding(Checkpoint checkpoint, TensorInfo table) : IEmbedding
{
    public int Count => checked((int)table.Shape[0]);

    public int Width => checked((int)table.Shape[1]);

    public void Lookup(int token, Span<float> row) => checkpoint.Read(table, (long)token * Width, row[..Width]);
}
