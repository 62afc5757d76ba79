using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Numerics;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Transforms;

/// <summary>
/// An order of the inner channels of a network in which rows of similar distribution lie together, so that they can share a codebook with
/// no index stored: what one
/// layer permutes its neighbour absorbs, and the network computes the same function.
/// <list type="bullet">
/// <item>Feed-forward: the rows of gate and up, and the columns of down.</item>
/// <item>Values: the rows of V within a head, and the columns of O within each query head that it serves.</item>
/// <item>Queries and keys stay: the rotation gives each pair of coordinates a frequency of its own. So does the residual stream, on which
/// all layers meet.</item>
/// </list>
/// <para>JLCM: joint learning of codebooks and mappings, 2023. Which channels may move, the descriptor and the clustering are our
/// reconstruction.</para>
/// </summary>
public sealed class ChannelOrder
{
    /// <summary>The order as it is.</summary>
    public static readonly ChannelOrder None = new([]);

    private readonly Dictionary<string, TensorOrder> _tensors;

    private ChannelOrder(Dictionary<string, TensorOrder> tensors) => _tensors = tensors;

    /// <summary>Whether nothing moves.</summary>
    public bool IsEmpty => _tensors.Count == 0;

    /// <summary>The order of a tensor; null where it stays.</summary>
    public TensorOrder? Of(string name) => _tensors.GetValueOrDefault(name);

    /// <summary>Finds the order. Reads the weights of one block at a time; deterministic, so that it need not be stored.</summary>
    /// <param name="checkpoint">The model.</param>
    /// <param name="config">Its configuration.</param>
    /// <param name="rows">The rows that share a codebook.</param>
    /// <param name="workers">Who looks through the weights; null for all processors.</param>
    /// <exception cref="InvalidFileException">A tensor is missing or has another shape.</exception>
    public static ChannelOrder Find(Checkpoint checkpoint, ModelConfig config, int rows, Workers? workers = null)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(config);
        var tensors = new Dictionary<string, TensorOrder>(StringComparer.Ordinal);
        for (int layer = 0; layer < config.LayerCount && config is TransformerConfig { CanReorder: true } transformer; layer++)
        {
            FeedForward(checkpoint, transformer, layer, rows, tensors, workers ?? Workers.Shared);
            Values(checkpoint, transformer, layer, rows, tensors, workers ?? Workers.Shared);
        }
        return new ChannelOrder(tensors);
    }

    private static void FeedForward(
        Checkpoint checkpoint, TransformerConfig config, int layer, int rows, Dictionary<string, TensorOrder> tensors, Workers workers)
    {
        int inner = config.IntermediateSize;
        string[] inputs = [.. config.Names.FeedForwardInputs.Select(part => config.Names.Of(layer, part))];
        string down = config.Names.Of(layer, config.Names.FeedForwardOutput);
        var descriptors = new ChannelDescriptors(inner, workers);
        foreach (string name in inputs)
        {
            // Fused, the rows of gate come before those of up.
            float[] weights = Read(checkpoint, name, 2 * inner / inputs.Length, config.HiddenSize);
            for (int first = 0; first < weights.Length; first += inner * config.HiddenSize)
                descriptors.AddRows(weights.AsMemory(first, inner * config.HiddenSize), config.HiddenSize);
        }
        descriptors.AddColumns(Read(checkpoint, down, config.HiddenSize, inner), inner);
        int[] order = descriptors.Order((inner + rows - 1) / rows);
        int[] both = [.. order, .. order.Select(channel => inner + channel)];
        foreach (string name in inputs)
            AddRows(tensors, name, inputs.Length == 1 ? both : order);
        tensors.Add(down + ".weight", new TensorOrder(null, order));
    }

    private static void Values(
        Checkpoint checkpoint, TransformerConfig config, int layer, int rows, Dictionary<string, TensorOrder> tensors, Workers workers)
    {
        int size = config.HeadSize, keys = config.KeyValueHeadCount * size, queries = config.HeadCount * size,
            perHead = config.HeadCount / config.KeyValueHeadCount;
        // Where a codebook serves whole heads, the order within one makes no difference.
        if (rows >= size)
            return;
        int before = config.Names.AttentionInputs.Count == 1 ? queries + keys : 0;
        string name = config.Names.Of(layer, config.Names.AttentionInputs[^1]),
            projection = config.Names.Of(layer, config.Names.AttentionOutput);
        float[] all = Read(checkpoint, name, before + keys, config.HiddenSize),
            output = Read(checkpoint, projection, config.HiddenSize, queries);
        int[] valueRows = [.. Enumerable.Range(0, before + keys)], columns = new int[queries];
        for (int head = 0; head < config.KeyValueHeadCount; head++)
        {
            var descriptors = new ChannelDescriptors(size, workers);
            descriptors.AddRows(all.AsMemory((before + head * size) * config.HiddenSize, size * config.HiddenSize), config.HiddenSize);
            for (int query = head * perHead; query < (head + 1) * perHead; query++)
                descriptors.AddColumns(output, queries, query * size);
            int[] order = descriptors.Order((size + rows - 1) / rows);
            for (int i = 0; i < size; i++)
            {
                valueRows[before + head * size + i] = before + head * size + order[i];
                for (int query = head * perHead; query < (head + 1) * perHead; query++)
                    columns[query * size + i] = query * size + order[i];
            }
        }
        AddRows(tensors, name, valueRows);
        tensors.Add(projection + ".weight", new TensorOrder(null, columns));
    }

    private static void AddRows(Dictionary<string, TensorOrder> tensors, string layer, int[] rows)
    {
        tensors.Add(layer + ".weight", new TensorOrder(rows, null));
        tensors.Add(layer + ".bias", new TensorOrder(rows, null));
    }

    private static float[] Read(Checkpoint checkpoint, string layer, int rows, int columns)
    {
        string name = layer + ".weight";
        if (!checkpoint.TryGet(name, out TensorInfo? tensor) || !tensor.Shape.SequenceEqual([rows, columns]))
            throw new InvalidFileException(checkpoint.Folder, ModelRules.TensorShape,
                $"it is missing, or not of the shape [{rows}, {columns}] that config.json asks for",
                "Check that config.json belongs to these weights", name);
        var values = new float[checked(rows * columns)];
        new WeightMatrix(checkpoint, tensor).Read(0, 0, values);
        return values;
    }
}
