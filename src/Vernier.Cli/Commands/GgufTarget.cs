using Vernier.Inference.Gguf;
using Vernier.Quantization.Gguf;

namespace Vernier.Cli.Commands;

/// <summary>A GGUF file to be written.</summary>
/// <param name="Mix">Which tensor gets which type.</param>
/// <param name="Overrides">Types by pattern.</param>
internal sealed record GgufTarget(GgufMix Mix, IReadOnlyList<GgufOverride> Overrides)
{
    /// <summary>The types of the tensors.</summary>
    /// <param name="data">Whether data is used: llama-quantize's rules differ a little.</param>
    public GgufTypes Types(bool data) => new(Mix, Overrides, data);
}
