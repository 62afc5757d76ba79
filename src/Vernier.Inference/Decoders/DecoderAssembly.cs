using Vernier.Errors;
using Vernier.Files;
using Vernier.Inference.Configuration;
using Vernier.Inference.Parts;
using Vernier.Inference.Weights;

namespace Vernier.Inference.Decoders;

/// <summary>
/// How a decoder of a configuration is put together: embedding, blocks, a last norm, an output layer. Each can be made by itself, so that
/// one block of a large model is in memory at a time.
/// </summary>
/// <param name="config">The configuration.</param>
public abstract class DecoderAssembly(ModelConfig config)
{
    /// <summary>The configuration.</summary>
    public ModelConfig Config => config;

    /// <summary>The name of the embedding table.</summary>
    public abstract string EmbeddingName { get; }

    /// <summary>The name of the output layer's weight: the embedding table where it is tied.</summary>
    public abstract string HeadName { get; }

    /// <summary>Makes the token embedding, vocabulary x hidden size.</summary>
    /// <exception cref="InvalidFileException">The tensor is missing or has another shape.</exception>
    public virtual IEmbedding Embedding(IWeightSource weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        return weights.Embedding(EmbeddingName, config.VocabularySize, config.HiddenSize);
    }

    /// <summary>Makes a block.</summary>
    /// <param name="weights">Where its weights come from.</param>
    /// <param name="layer">Its number, 0 to the number of layers - 1.</param>
    /// <exception cref="InvalidFileException">A tensor is missing or has another shape.</exception>
    public Block Block(IWeightSource weights, int layer)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(layer, config.LayerCount);
        return MakeBlock(weights, layer);
    }

    /// <summary>Makes the norm behind the last block.</summary>
    /// <exception cref="InvalidFileException">The tensor is missing or has another shape.</exception>
    public abstract INorm FinalNorm(IWeightSource weights);

    /// <summary>Makes the output layer, vocabulary x hidden size.</summary>
    /// <exception cref="InvalidFileException">The tensor is missing or has another shape.</exception>
    public virtual ILinear Head(IWeightSource weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        return weights.Linear(HeadName, null, config.VocabularySize, config.HiddenSize);
    }

    /// <summary>What becomes of the rows of the embedding table before the first block: they are scaled, normed, positions are added. By
    /// default nothing.</summary>
    /// <param name="table">The table, perhaps a quantized one.</param>
    /// <param name="weights">Where other weights come from.</param>
    public virtual IEmbedding Entry(IEmbedding table, IWeightSource weights) => table;

    /// <summary>What becomes of the products with the output layer's weights: they are scaled, bounded. By default nothing.</summary>
    /// <param name="head">The product.</param>
    /// <param name="weights">Where other weights come from.</param>
    public virtual ILinear Exit(ILinear head, IWeightSource weights) => head;

    /// <summary>Makes the embedding and the output layer, which share their weights where they are tied.</summary>
    /// <exception cref="InvalidFileException">A tensor is missing or has another shape.</exception>
    public (IEmbedding Embedding, ILinear Head) Ends(IWeightSource weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        (IEmbedding embedding, ILinear head) = HeadName == EmbeddingName
            ? weights.Tied(EmbeddingName, config.VocabularySize, config.HiddenSize) : (Embedding(weights), Head(weights));
        return (Entry(embedding, weights), Exit(head, weights));
    }

    /// <summary>Whether a tensor that no part of the network asks for may be there: masks that older versions of a library stored, layers
    /// that predict further tokens in training. By default none.</summary>
    /// <param name="tensor">The tensor.</param>
    public virtual bool MayBeUnused(TensorInfo tensor) => false;

    /// <summary>Makes a block, the number of which was checked.</summary>
    protected abstract Block MakeBlock(IWeightSource weights, int layer);
}
