using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Phi3;

/// <summary>Phi-3 and what shares its layers (Abdin et al., 2024).</summary>
public sealed class Phi3Architecture : IArchitecture
{
    /// <inheritdoc/>
    public string ModelType => "phi3";

    /// <inheritdoc/>
    public GgufArchitecture Gguf { get; } = new Phi3Gguf();

    /// <inheritdoc/>
    public ModelConfig ReadConfiguration(ConfigObject root) => new Phi3Config(root);

    /// <inheritdoc/>
    public DecoderAssembly Assemble(ModelConfig config) => new TransformerAssembly((TransformerConfig)config);
}
