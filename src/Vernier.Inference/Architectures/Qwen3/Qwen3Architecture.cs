using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Qwen3;

/// <summary>Qwen 3 (Yang et al., 2025).</summary>
public sealed class Qwen3Architecture : IArchitecture
{
    /// <inheritdoc/>
    public string ModelType => "qwen3";

    /// <inheritdoc/>
    public GgufArchitecture Gguf { get; } = new Qwen3Gguf();

    /// <inheritdoc/>
    public ModelConfig ReadConfiguration(ConfigObject root) => new Qwen3Config(root);

    /// <inheritdoc/>
    public DecoderAssembly Assemble(ModelConfig config) => new TransformerAssembly((TransformerConfig)config);
}
