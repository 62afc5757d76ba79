using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Inference.Configuration;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Configuration;

namespace Vernier.Inference.Weights;

/// <summary>A source of weights that reads none: it checks that what is asked for is there in the right shape, and notes its
/// name.</summary>
/// <param name="checkpoint">The tensors.</param>
/// <param name="packed">Which of them are packed, or null.</param>
internal sealed class ShapeSource(Checkpoint checkpoint, QuantizationConfig? packed) : IWeightSource
{
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);

    /// <summary>The names that were asked for.</summary>
    public IReadOnlySet<string> Used => _used;

    /// <inheritdoc/>
    public bool Contains(string name) => packed?.Tensors.ContainsKey(name) == true || checkpoint.TryGet(name, out _);

    /// <inheritdoc/>
    public ILinear Linear(string weightName, string? biasName, int outputs, int inputs)
    {
        Check(weightName, outputs, inputs);
        if (biasName is not null)
            Check(biasName, outputs);
        return new Shape(outputs, inputs);
    }

    /// <inheritdoc/>
    public float[] Vector(string name, int expectedLength)
    {
        Check(name, expectedLength);
        return new float[expectedLength];
    }

    /// <inheritdoc/>
    public IEmbedding Embedding(string name, int rows, int width)
    {
        Check(name, rows, width);
        return new Shape(rows, width);
    }

    private void Check(string name, params long[] shape)
    {
        _used.Add(name);
        if (packed?.Tensors.TryGetValue(name, out PackedLayout? layout) == true)
        {
            CheckShape(checkpoint.Folder, name, [layout.Rows, layout.Columns], shape);
            return;
        }
        if (!checkpoint.TryGet(name, out TensorInfo? tensor))
        {
            throw new InvalidFileException(checkpoint.Folder, ModelRules.TensorMissing, "the checkpoint does not have it",
                "Check that config.json belongs to these weights and that every shard is there", name);
        }
        CheckShape(checkpoint.FileOf(tensor), name, tensor.Shape, shape);
    }

    private static void CheckShape(string file, string name, IReadOnlyList<long> shape, long[] expected)
    {
        if (!shape.SequenceEqual(expected))
        {
            throw new InvalidFileException(file, ModelRules.TensorShape,
                $"its shape is [{string.Join(", ", shape)}] where config.json asks for [{string.Join(", ", expected)}]",
                "Check that config.json belongs to these weights", name);
        }
    }

    /// <summary>A layer that is only as large as it should be.</summary>
    private sealed class Shape(int outputs, int inputs) : ILinear, IEmbedding
    {
        public int Outputs => outputs;

        public int Inputs => inputs;

        public int Count => outputs;

        public int Width => inputs;

        public void Apply(ReadOnlySpan<float> x, Span<float> y, int rows, Workers workers) => throw new InvalidOperationException(
            "a model that was only checked does not run");

        public void Lookup(int token, Span<float> row) => throw new InvalidOperationException(
            "a model that was only checked does not run");
    }
}
