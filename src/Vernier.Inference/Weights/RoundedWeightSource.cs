namespace Vernier.Inference.Weights;

/// <summary>Weights some of whose layers round their inputs to 8 bits a row.</summary>
/// <param name="inner">The weights.</param>
/// <param name="rounded">The names of the weights of these layers.</param>
internal sealed class RoundedWeightSource(IWeightSource inner, IReadOnlySet<string> rounded) : IWeightSource
{
    /// <inheritdoc/>
    public bool Contains(string name) => inner.Contains(name);

    /// <inheritdoc/>
    public ILinear Linear(string weightName, string? biasName, int outputs, int inputs)
    {
        ILinear layer = inner.Linear(weightName, biasName, outputs, inputs);
        return rounded.Contains(weightName) ? new RoundedLinear(layer) : layer;
    }

    /// <inheritdoc/>
    public float[] Vector(string name, int expectedLength) => inner.Vector(name, expectedLength);

    /// <inheritdoc/>
    public float[] Values(string name, params IReadOnlyList<int> shape) => inner.Values(name, shape);

    /// <inheritdoc/>
    public IEmbedding Embedding(string name, int rows, int width) => inner.Embedding(name, rows, width);

    /// <inheritdoc/>
    public (IEmbedding Embedding, ILinear Head) Tied(string name, int rows, int width) => inner.Tied(name, rows, width);
}
