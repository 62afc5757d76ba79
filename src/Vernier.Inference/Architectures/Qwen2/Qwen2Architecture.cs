using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Qwen2;

/// <summary>Qwen 2 and 2.5 (Yang et al., 2024).</summary>
public sealed class Qwen2Architecture : IArchitecture
{
    /// <inheritdoc/>
    public string ModelType => "qwen2";

    /// <inheritdoc/>
    public GgufArchitecture Gguf { get; } = new Qwen2Gguf();

    /// <inheritdoc/>
    public ModelConfig ReadConfiguration(ConfigObject root) => new Qwen2Config(root);

    /// <inheritdoc/>
    public DecoderAssembly Assemble(ModelConfig config) => new TransformerAssembly((TransformerConfig)config);
}
