using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Cohere;

/// <summary>Command R (Cohere, 2024).</summary>
internal sealed class CohereArchitecture() : TransformerFamily<CohereConfig>("cohere", root => new CohereConfig(root),
    config => new CohereAssembly(config))
{
    /// <inheritdoc/>
    public override GgufArchitecture Gguf { get; } = new CohereGguf();
}
