using Vernier.Errors;
using Vernier.Inference.Configuration;
using Vernier.Inference.Models;
using Vernier.Inference.Weights;
using Vernier.Numerics;

namespace Vernier.Quantization.Networks;

/// <summary>Opens models as networks, whatever their kind.</summary>
internal static class NetworkFactory
{
    /// <summary>The layers of a model, without its weights; null where its architecture does not run here.</summary>
    /// <exception cref="InvalidFileException">The configuration is invalid.</exception>
    /// <exception cref="UnsupportedModelException">Something that the model uses does not run here.</exception>
    public static NetworkShape? ShapeOf(Model model) =>
        model.TryGetConfiguration(out ModelConfig? config) ? LanguageNetwork.ShapeOf(config) : null;

    /// <summary>Opens a model on token sequences.</summary>
    /// <param name="model">The model, which must stay open as long as the network.</param>
    /// <param name="sequences">The tokens of each sequence, all of one length, at least one.</param>
    /// <param name="weights">Its weights; null for those of the checkpoint as they are.</param>
    /// <param name="workers">Who computes; null for all processors.</param>
    /// <exception cref="InvalidFileException">The configuration is invalid, or there is no embedding table.</exception>
    /// <exception cref="UnsupportedModelException">The architecture, or something that the model uses, does not run here.</exception>
    /// <exception cref="ArgumentException">A token is not in the vocabulary, or the sequences are longer than the model's
    /// context.</exception>
    public static INetwork Open(Model model, IReadOnlyList<int[]> sequences, IWeightSource? weights = null, Workers? workers = null) =>
        new LanguageNetwork(model, weights ?? new FloatWeightSource(model.Checkpoint), sequences, workers);
}
