using Vernier.Inference.Weights;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Transforms;

/// <summary>Weights of a model whose channels have another order: the network computes the same function.</summary>
/// <param name="inner">The weights as they are stored.</param>
/// <param name="order">The order.</param>
internal sealed class ReorderedWeights(FloatWeightSource inner, ChannelOrder order) : IWeightSource
{
    public bool Contains(string name) => inner.Contains(name);

    public ILinear Linear(string weightName, string? biasName, int outputs, int inputs)
    {
        ILinear linear = inner.Linear(weightName, biasName, outputs, inputs);
        if (order.Of(weightName) is not TensorOrder moved)
            return linear;
        var weights = (FloatLinear)linear;
        return new FloatLinear(moved.Apply(weights.Weight, inputs), outputs, inputs, weights.Bias.IsEmpty ? null
            : (moved with { Columns = null }).Apply(weights.Bias, 1));
    }

    public float[] Vector(string name, int expectedLength)
    {
        float[] values = inner.Vector(name, expectedLength);
        return order.Of(name) is TensorOrder moved ? moved.Apply<float>(values, 1) : values;
    }

    public float[] Values(string name, params IReadOnlyList<int> shape) => inner.Values(name, shape);

    public IEmbedding Embedding(string name, int rows, int width) => inner.Embedding(name, rows, width);
}
