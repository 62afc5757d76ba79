using Vernier.Inference.Decoders;
using Vernier.Inference.Gguf;

namespace Vernier.Inference.Architectures.Nemotron;

/// <summary>Nemotron-4 and Minitron (Parmar et al., 2024).</summary>
internal sealed class NemotronArchitecture() : TransformerFamily<NemotronConfig>("nemotron", root => new NemotronConfig(root))
{
    /// <inheritdoc/>
    public override GgufArchitecture Gguf { get; } = new NemotronGguf();
}
