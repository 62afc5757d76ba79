using Vernier.Errors;
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
}
