using Vernier.Errors;

namespace Vernier.Inference.Weights;

/// <summary>
/// Where a model's layers get their weights: a float checkpoint, or one with packed quantized tensors. The shapes come from
/// the model's configuration and are checked before anything is read.
/// </summary>
public interface IWeightSource
{
    /// <summary>Whether there is a weight of that name.</summary>
    bool Contains(string name);

    /// <summary>The linear layer of a weight of outputs x inputs.</summary>
    /// <param name="weightName">The weight's name in the checkpoint, such as <c>model.layers.0.mlp.up_proj.weight</c>.</param>
    /// <param name="biasName">The bias's name, or null for a layer without one.</param>
    /// <param name="outputs">The number of outputs the configuration asks for.</param>
    /// <param name="inputs">The number of inputs the configuration asks for.</param>
    /// <exception cref="InvalidFileException">The tensor is missing or has another shape.</exception>
    ILinear Linear(string weightName, string? biasName, int outputs, int inputs);

    /// <summary>A vector, such as the weights of a norm.</summary>
    /// <exception cref="InvalidFileException">The tensor is missing or has another shape.</exception>
    float[] Vector(string name, int expectedLength);

    /// <summary>A tensor of any shape, such as the weights of a convolution, row-major.</summary>
    /// <exception cref="InvalidFileException">The tensor is missing or has another shape.</exception>
    float[] Values(string name, params IReadOnlyList<int> shape);

    /// <summary>
    /// The embedding table of rows x width. Asked for the linear layer of the same name, the source gives one that shares
    /// the table's storage: a tied output layer.
    /// </summary>
    /// <exception cref="InvalidFileException">The tensor is missing or has another shape.</exception>
    IEmbedding Embedding(string name, int rows, int width);

    /// <summary>The embedding table of rows x width, and the output layer of the same weights: in memory once.</summary>
    /// <exception cref="InvalidFileException">The tensor is missing or has another shape.</exception>
    (IEmbedding Embedding, ILinear Head) Tied(string name, int rows, int width) =>
        (Embedding(name, rows, width), Linear(name, null, rows, width));
}
