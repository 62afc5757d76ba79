using Vernier.Files.Checkpoints;
using Vernier.Inference.Configuration;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Decoders;

/// <summary>A family of transformers that <see cref="TransformerAssembly"/> puts together.</summary>
/// <typeparam name="TConfig">Its configuration.</typeparam>
/// <param name="modelType">The <c>model_type</c> of its config.json.</param>
/// <param name="read">Reads config.json.</param>
/// <param name="assemble">Puts a model together; null, the default, for <see cref="TransformerAssembly"/>.</param>
public abstract class TransformerFamily<TConfig>(string modelType, Func<ConfigObject, TConfig> read,
    Func<TConfig, DecoderAssembly>? assemble = null) : IArchitecture
    where TConfig : TransformerConfig
{
    /// <inheritdoc/>
    public string ModelType => modelType;

    /// <inheritdoc/>
    public virtual GgufArchitecture? Gguf => null;

    /// <inheritdoc/>
    public ModelConfig ReadConfiguration(ConfigObject root) => read(root);

    /// <inheritdoc/>
    public DecoderAssembly Assemble(ModelConfig config) => assemble is null ? new TransformerAssembly((TConfig)config)
        : assemble((TConfig)config);

    /// <inheritdoc/>
    public virtual IReadOnlyList<TensorView> Views(ModelConfig config, Checkpoint checkpoint) => [];
}
