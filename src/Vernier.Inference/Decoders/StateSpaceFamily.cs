using Vernier.Files.Checkpoints;
using Vernier.Inference.Configuration;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Decoders;

/// <summary>A family of pure state spaces.</summary>
/// <param name="modelType">The <c>model_type</c> of its config.json.</param>
/// <param name="read">Reads config.json.</param>
/// <param name="assemble">Puts a model together.</param>
internal abstract class StateSpaceFamily<TConfig>(string modelType, Func<ConfigObject, TConfig> read,
    Func<TConfig, DecoderAssembly> assemble) : IArchitecture
    where TConfig : ModelConfig
{
    /// <inheritdoc/>
    public string ModelType => modelType;

    /// <inheritdoc/>
    public GgufArchitecture? Gguf => null;

    /// <inheritdoc/>
    public ModelConfig ReadConfiguration(ConfigObject root) => read(root);

    /// <inheritdoc/>
    public DecoderAssembly Assemble(ModelConfig config) => assemble((TConfig)config);

    /// <inheritdoc/>
    public IReadOnlyList<TensorView> Views(ModelConfig config, Checkpoint checkpoint) =>
        NameViews.Renamed(checkpoint, name => name == "backbone.embedding.weight" ? "backbone.embeddings.weight" : name);
}
