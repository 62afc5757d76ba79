using Vernier.Files.Checkpoints;
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
    public float[] Values(string name, params IReadOnlyList<int> shape)
    {
        Check(name, [.. shape.Select(side => (long)side)]);
        return new float[shape.Aggregate(1, (count, side) => checked(count * side))];
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
            TensorShape.Check(checkpoint.Folder, name, [layout.Rows, layout.Columns], shape);
        else
            TensorShape.Find(checkpoint, name, shape);
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
