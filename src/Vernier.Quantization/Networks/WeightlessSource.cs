using Vernier.Inference.Weights;
using Vernier.Numerics;

namespace Vernier.Quantization.Networks;

/// <summary>Weights of which only the shapes count, for a network that is looked at and not run.</summary>
internal sealed class WeightlessSource : IWeightSource
{
    /// <summary>The tensors that were asked for.</summary>
    public HashSet<string> Names { get; } = new(StringComparer.Ordinal);

    public bool Contains(string name) => true;

    public ILinear Linear(string weightName, string? biasName, int outputs, int inputs)
    {
        Names.Add(weightName);
        if (biasName is not null)
            Names.Add(biasName);
        return new Shape(outputs, inputs);
    }

    public float[] Vector(string name, int expectedLength)
    {
        Names.Add(name);
        return new float[expectedLength];
    }

    public float[] Values(string name, params IReadOnlyList<int> shape) =>
        Vector(name, shape.Aggregate(1, (count, side) => checked(count * side)));

    public IEmbedding Embedding(string name, int rows, int width) => throw new InvalidOperationException($"{name} has no rows");

    private sealed class Shape(int outputs, int inputs) : ILinear
    {
        public int Inputs => inputs;

        public int Outputs => outputs;

        public void Apply(ReadOnlySpan<float> x, Span<float> y, int rows, Workers workers) =>
            throw new InvalidOperationException("a shape has no weights");
    }
}
