using Vernier.Inference.Weights;
using Vernier.Numerics;

namespace Vernier.Tests.Gguf;

/// <summary>A source of weights that has none and notes what is asked of it.</summary>
internal sealed class AskedWeights : IWeightSource
{
    /// <summary>The shapes, by name, in the order of the first question.</summary>
    public OrderedDictionary<string, int[]> Shapes { get; } = new(StringComparer.Ordinal);

    public bool Contains(string name) => false;

    public ILinear Linear(string weightName, string? biasName, int outputs, int inputs)
    {
        Shapes.TryAdd(weightName, [outputs, inputs]);
        if (biasName is not null)
            Shapes.TryAdd(biasName, [outputs]);
        return new Nothing(outputs, inputs);
    }

    public float[] Vector(string name, int expectedLength)
    {
        Shapes.TryAdd(name, [expectedLength]);
        return new float[expectedLength];
    }

    public float[] Values(string name, params IReadOnlyList<int> shape)
    {
        Shapes.TryAdd(name, [.. shape]);
        return new float[shape.Aggregate(1, (count, side) => count * side)];
    }

    public IEmbedding Embedding(string name, int rows, int width)
    {
        Shapes.TryAdd(name, [rows, width]);
        return new Nothing(rows, width);
    }

    private sealed class Nothing(int outputs, int inputs) : ILinear, IEmbedding
    {
        public int Outputs => outputs;

        public int Inputs => inputs;

        public int Count => outputs;

        public int Width => inputs;

        public void Apply(ReadOnlySpan<float> x, Span<float> y, int rows, Workers workers) => throw new InvalidOperationException();

        public void Lookup(int token, Span<float> row) => throw new InvalidOperationException();
    }
}
