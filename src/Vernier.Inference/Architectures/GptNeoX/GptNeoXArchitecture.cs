using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.GptNeoX;

/// <summary>GPT-NeoX and Pythia (Black et al., 2022).</summary>
internal sealed class GptNeoXArchitecture() : TransformerFamily<GptNeoXConfig>("gpt_neox", root => new GptNeoXConfig(root),
    config => new GptNeoXAssembly(config))
{
    /// <inheritdoc/>
    public override GgufArchitecture Gguf { get; } = new GptNeoXGguf();
}
