using Vernier.Errors;
using Vernier.Files;
using Vernier.Inference;

namespace Vernier.Quantization.Networks;

/// <summary>Opens models as networks, whatever their kind.</summary>
internal static class NetworkFactory
{
    /// <summary>The layers of a model, without its weights; null where its architecture does not run here.</summary>
    /// <param name="checkpoint">The model's checkpoint.</param>
    /// <param name="architecture">The architecture as config.json names it.</param>
    /// <exception cref="InvalidFileException">The configuration is invalid.</exception>
    public static NetworkShape? ShapeOf(Checkpoint checkpoint, out string architecture) =>
        ModelConfig.TryGetFamily(checkpoint.Folder, out _, out architecture) ? LanguageNetwork.ShapeOf(ModelConfig.Load(checkpoint.Folder)) : null;

    /// <summary>Opens a model on token sequences.</summary>
    /// <param name="checkpoint">The model's checkpoint, which must outlive the network.</param>
    /// <param name="sequences">The tokens of each sequence, all of one length, at least one.</param>
    /// <param name="weights">Its weights; null for those of the checkpoint as they are.</param>
    /// <exception cref="InvalidFileException">The configuration is invalid, or there is no embedding table.</exception>
    /// <exception cref="ArgumentException">A token is not in the vocabulary, or the sequences are longer than the model's
    /// context.</exception>
    public static INetwork Open(Checkpoint checkpoint, IReadOnlyList<int[]> sequences, IWeightSource? weights = null) =>
        new LanguageNetwork(checkpoint, ModelConfig.Load(checkpoint.Folder), weights ?? new FloatWeightSource(checkpoint), sequences);
}
