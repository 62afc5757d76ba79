using Vernier.Files.Safetensors;

namespace Vernier.Files.Checkpoints;

/// <summary>
/// Which files of a model folder hold which tensors: <c>model.safetensors</c> if one file is enough, else the shards
/// <c>model-00001-of-0000N.safetensors</c>, filled one after the other with the tensors as they come.
/// </summary>
internal sealed class CheckpointShards
{
    /// <summary>Deals out tensors. There is always at least one file.</summary>
    /// <param name="tensors">The tensors.</param>
    /// <param name="maxBytes">The most bytes of tensors in one file, at least 1. A larger tensor gets a file of its own.</param>
    /// <exception cref="ArgumentException">As for <see cref="SafetensorsWriter"/>.</exception>
    public CheckpointShards(IReadOnlyList<TensorInfo> tensors, long maxBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBytes, 1);
        SafetensorsWriter.SizeOf(tensors); // Refuses what no file may hold, and names that stand twice in different shards.
        var shards = new List<TensorInfo[]>();
        var shard = new List<TensorInfo>();
        long bytes = 0;
        foreach (TensorInfo tensor in tensors)
        {
            if (bytes > 0 && tensor.Bytes > maxBytes - bytes)
            {
                shards.Add([.. shard]);
                shard.Clear();
                bytes = 0;
            }
            shard.Add(tensor);
            bytes += tensor.Bytes;
        }
        shards.Add([.. shard]);
        Tensors = shards;
        Names = shards.Count == 1 ? [Checkpoint.SingleFileName]
            : [.. Enumerable.Range(1, shards.Count).Select(i => $"model-{i:D5}-of-{shards.Count:D5}.safetensors")];
        Index = shards.Count == 1 ? null : CheckpointIndex.Format(
            shards.Zip(Names).SelectMany(pair => pair.First.Select(tensor => (tensor.Name, File: pair.Second)))
                .ToDictionary(pair => pair.Name, pair => pair.File, StringComparer.Ordinal),
            tensors.Sum(tensor => tensor.Bytes));
    }

    /// <summary>The names of the files.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The tensors of each file.</summary>
    public IReadOnlyList<TensorInfo[]> Tensors { get; }

    /// <summary>The content of the index, where there is more than one file.</summary>
    public byte[]? Index { get; }
}
