using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Inference.Configuration;

namespace Vernier.Inference.Weights;

/// <summary>Reads weights from a checkpoint into single precision.</summary>
public sealed class FloatWeightSource : IWeightSource
{
    private readonly Checkpoint _checkpoint;
    private readonly Dictionary<string, float[]> _tables = new(StringComparer.Ordinal);

    /// <summary>Reads from a checkpoint, which must stay open until the model is loaded.</summary>
    public FloatWeightSource(Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        _checkpoint = checkpoint;
    }

    /// <inheritdoc/>
    public bool Contains(string name) => _checkpoint.TryGet(name, out _);

    /// <inheritdoc/>
    public ILinear Linear(string weightName, string? biasName, int outputs, int inputs)
    {
        float[] weight = _tables.TryGetValue(weightName, out float[]? shared) && shared.Length == (long)outputs * inputs
            ? shared : Read(weightName, outputs, inputs);
        return new FloatLinear(weight, outputs, inputs, biasName is null ? null : Read(biasName, outputs));
    }

    /// <inheritdoc/>
    public float[] Vector(string name, int expectedLength) => Read(name, expectedLength);

    /// <inheritdoc/>
    public float[] Values(string name, params IReadOnlyList<int> shape) => Read(name, [.. shape.Select(side => (long)side)]);

    /// <inheritdoc/>
    public IEmbedding Embedding(string name, int rows, int width)
    {
        float[] table = Read(name, rows, width);
        _tables[name] = table;
        return new FloatEmbedding(table, rows, width);
    }

    private float[] Read(string name, params long[] shape)
    {
        TensorInfo tensor = TensorShape.Find(_checkpoint, name, shape);
        if (tensor.Count > Array.MaxLength)
        {
            throw new InvalidFileException(_checkpoint.FileOf(tensor), ModelRules.TensorTooLarge,
                $"{tensor.Count} elements are more than the {Array.MaxLength} of one array",
                "Give a model with smaller layers", name);
        }
        float[] values = GC.AllocateUninitializedArray<float>((int)tensor.Count);
        _checkpoint.Read(tensor, 0, values);
        return values;
    }
}
