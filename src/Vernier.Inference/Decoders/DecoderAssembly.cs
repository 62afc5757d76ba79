using Vernier.Errors;
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

    /// <summary>Makes the embedding and the output layer, which share their weights where they are tied.</summary>
    /// <exception cref="InvalidFileException">A tensor is missing or has another shape.</exception>
    public (IEmbedding Embedding, ILinear Head) Ends(IWeightSource weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        return HeadName == EmbeddingName ? weights.Tied(EmbeddingName, config.VocabularySize, config.HiddenSize)
            : (Embedding(weights), Head(weights));
    }

    /// <summary>Makes a block, the number of which was checked.</summary>
    protected abstract Block MakeBlock(IWeightSource weights, int layer);
}
