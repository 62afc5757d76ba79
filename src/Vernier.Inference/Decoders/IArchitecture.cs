using Vernier.Errors;
using Vernier.Files.Checkpoints;
using Vernier.Inference.Configuration;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Decoders;

/// <summary>
/// A kind of decoder-only language model: what its config.json means, and how it is put together from parts.
/// </summary>
public interface IArchitecture
{
    /// <summary>The <c>model_type</c> of its config.json, such as <c>llama</c>.</summary>
    string ModelType { get; }

    /// <summary>What llama.cpp has for it; null where it has nothing, and no GGUF file of it can be read or written.</summary>
    GgufArchitecture? Gguf { get; }

    /// <summary>Reads config.json.</summary>
    /// <param name="root">Its object.</param>
    /// <exception cref="InvalidFileException">A value is missing, has the wrong type or lies outside its range, or asks for what does not
    /// run here.</exception>
    ModelConfig ReadConfiguration(ConfigObject root);

    /// <summary>How a model of a configuration is put together.</summary>
    /// <param name="config">What <see cref="ReadConfiguration"/> gave.</param>
    DecoderAssembly Assemble(ModelConfig config);

    /// <summary>What of the tensors is shown under another name, in parts or turned over, so that checkpoints of one kind of model that
    /// different versions of a library wrote have the same tensors. By default nothing.</summary>
    /// <param name="config">What <see cref="ReadConfiguration"/> gave.</param>
    /// <param name="checkpoint">The tensors as they are stored.</param>
    IReadOnlyList<TensorView> Views(ModelConfig config, Checkpoint checkpoint) => [];
}
