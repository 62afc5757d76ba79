using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Mistral;

/// <summary>Llama with a sliding attention window (Jiang et al., 2023).</summary>
public sealed class MistralArchitecture : IArchitecture
{
    /// <inheritdoc/>
    public string ModelType => "mistral";

    /// <inheritdoc/>
    public GgufArchitecture Gguf { get; } = new MistralGguf();

    /// <inheritdoc/>
    public ModelConfig ReadConfiguration(ConfigObject root) => new MistralConfig(root);

    /// <inheritdoc/>
    public DecoderAssembly Assemble(ModelConfig config) => new TransformerAssembly((TransformerConfig)config);
}
