using Vernier.Inference;

namespace Vernier.Quantization.Networks;

/// <summary>
/// The linear layers of a block in the order in which they are applied, those together that have the same input. Found by watching a pass
/// of pseudo-random rows through
/// a block without weights.
/// </summary>
internal static class LayerProbe
{
    private const int Rows = 4;

    /// <summary>The groups of a block.</summary>
    public static IReadOnlyList<LayerGroup> Groups(ModelConfig config, int layer)
    {
        var seen = new List<List<LayerShape>>();
        float[] last = [];
        var random = new Random(1);
        var block = Block.Load(config, new ShapeOnly(), layer);
        foreach ((string name, ILinear linear) in block.Linears)
            block.Replace(name, new Watch(linear, name, random, Show));
        float[] hidden = new float[Rows * config.HiddenSize];
        Fill(hidden, random);
        var context = new ForwardContext(config);
        context.Begin([new Segment(new int[Rows])]);
        block.Forward(hidden, context);
        return [.. seen.Select((layers, index) => new LayerGroup(layer, index, layers))];

        void Show(LayerShape shape, ReadOnlySpan<float> x)
        {
            if (seen.Count == 0 || !x.SequenceEqual(last))
                seen.Add([]);
            seen[^1].Add(shape);
            last = x.ToArray();
        }
    }

    private static void Fill(Span<float> values, Random random)
    {
        foreach (ref float value in values)
            value = (float)random.NextDouble() - 0.5f;
    }

    private delegate void Sink(LayerShape shape, ReadOnlySpan<float> x);

    private sealed class Watch(ILinear shape, string name, Random random, Sink sink) : ILinear
    {
        public int Inputs => shape.Inputs;

        public int Outputs => shape.Outputs;

        public void Apply(ReadOnlySpan<float> x, Span<float> y, int rows)
        {
            sink(new LayerShape(name, Outputs, Inputs), x[..(rows * Inputs)]);
            Fill(y[..(rows * Outputs)], random);
        }
    }

    /// <summary>Weights of which only the shape counts.</summary>
    private sealed class ShapeOnly : IWeightSource
    {
        public bool Contains(string name) => true;

        public ILinear Linear(string weightName, string? biasName, int outputs, int inputs) => new Shape(outputs, inputs);

        public float[] Vector(string name, int expectedLength)
        {
            var ones = new float[expectedLength];
            Array.Fill(ones, 1);
            return ones;
        }

        public IEmbedding Embedding(string name, int rows, int width) => throw new InvalidOperationException("a block has no table");
    }

    private sealed class Shape(int outputs, int inputs) : ILinear
    {
        public int Inputs => inputs;

        public int Outputs => outputs;

        public void Apply(ReadOnlySpan<float> x, Span<float> y, int rows) => throw new InvalidOperationException("a shape has no weights");
    }
}
