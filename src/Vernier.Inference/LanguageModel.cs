using Vernier.Errors;
using Vernier.Inference.Architectures;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Models;
using Vernier.Inference.Parts;
using Vernier.Inference.Passes;
using Vernier.Inference.Weights;
using Vernier.Numerics;

namespace Vernier.Inference;

/// <summary>
/// A decoder-only language model: embedding, blocks, a last norm, and the output layer ("head") that turns a hidden row into one logit for
/// each token of the vocabulary.
/// </summary>
/// <remarks>
/// It does not change after it was loaded, apart from layers that are put in the place of others, and may be shared by threads; each
/// runs passes in an <see cref="InferenceSession"/> of its own.
/// </remarks>
public sealed class LanguageModel
{
    private LanguageModel(DecoderAssembly assembly, IWeightSource weights)
    {
        Config = assembly.Config;
        (Embedding, Head) = assembly.Ends(weights);
        Blocks = [.. Enumerable.Range(0, Config.LayerCount).Select(layer => assembly.Block(weights, layer))];
        FinalNorm = assembly.FinalNorm(weights);
    }

    /// <summary>The configuration.</summary>
    public ModelConfig Config { get; }

    /// <summary>The token embedding.</summary>
    public IEmbedding Embedding { get; }

    /// <summary>The blocks in order.</summary>
    public IReadOnlyList<Block> Blocks { get; }

    /// <summary>The norm behind the last block.</summary>
    public INorm FinalNorm { get; }

    /// <summary>The output layer, vocabulary x hidden size. Applied to rows of <see cref="InferenceSession.Hidden"/> it gives their
    /// logits.</summary>
    public ILinear Head { get; }

    /// <summary>Loads a model, with float weights or with weights that Vernier packed. Nothing of the file is needed afterwards.</summary>
    /// <param name="model">The model.</param>
    /// <param name="arithmetic">How layers with packed weights multiply.</param>
    /// <param name="workers">The threads that make weights ready; null, the default, for <see cref="Workers.Shared"/>.</param>
    /// <exception cref="InvalidFileException">A file is invalid, or the weights don't fit the configuration.</exception>
    /// <exception cref="UnsupportedModelException">The architecture, or something that the model uses, does not run here.</exception>
    public static LanguageModel Load(Model model, PackedArithmetic arithmetic = PackedArithmetic.Integer, Workers? workers = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ModelConfig config = model.Configuration;
        model.Check();
        return Load(config, model.Weights(arithmetic, workers));
    }

    /// <summary>Opens and loads a model from a folder with config.json and safetensors files, or from a GGUF file.</summary>
    /// <param name="path">The folder or file.</param>
    /// <param name="arithmetic">How layers with packed weights multiply.</param>
    /// <param name="workers">The threads that make weights ready; null, the default, for <see cref="Workers.Shared"/>.</param>
    /// <inheritdoc cref="Load(Model, PackedArithmetic, Workers)"/>
    public static LanguageModel Load(string path, PackedArithmetic arithmetic = PackedArithmetic.Integer, Workers? workers = null)
    {
        using var model = Model.Open(path);
        return Load(model, arithmetic, workers);
    }

    /// <summary>Loads a model whose weights come from anywhere.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="weights">The weights.</param>
    /// <exception cref="InvalidFileException">A tensor is missing or has another shape.</exception>
    public static LanguageModel Load(ModelConfig config, IWeightSource weights)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(weights);
        return new LanguageModel(ArchitectureCatalogue.Assemble(config), weights);
    }

    /// <summary>Begins a session.</summary>
    /// <param name="workers">The threads that work; null, the default, for <see cref="Workers.Shared"/>.</param>
    /// <param name="precision">What the states of the session keep keys and values in; single precision by default.</param>
    public InferenceSession CreateSession(Workers? workers = null, CachePrecision precision = CachePrecision.Single) =>
        new(this, workers, precision);
}
