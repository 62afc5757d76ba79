using Vernier.Files;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.GptNeoX;

/// <summary>GPT-NeoX, whose checkpoints may hold the masks of attention.</summary>
internal sealed class GptNeoXAssembly(TransformerConfig config) : TransformerAssembly(config)
{
    /// <inheritdoc/>
    public override bool MayBeUnused(TensorInfo tensor) =>
        tensor.Name.EndsWith(".attention.bias", StringComparison.Ordinal) && tensor.Shape.Count == 4
        || tensor.Name.EndsWith(".attention.masked_bias", StringComparison.Ordinal);
}
