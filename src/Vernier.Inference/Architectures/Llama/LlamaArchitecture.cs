using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Llama;

/// <summary>Llama 2 and 3 and what shares their layers (Touvron et al., 2023).</summary>
public sealed class LlamaArchitecture : IArchitecture
{
    /// <inheritdoc/>
    public string ModelType => "llama";

    /// <inheritdoc/>
    public GgufArchitecture Gguf { get; } = new LlamaGguf();

    /// <inheritdoc/>
    public ModelConfig ReadConfiguration(ConfigObject root) => new LlamaConfig(root);

    /// <inheritdoc/>
    public DecoderAssembly Assemble(ModelConfig config) => new TransformerAssembly((TransformerConfig)config);
}
