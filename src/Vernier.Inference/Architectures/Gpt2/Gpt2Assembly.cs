using Vernier.Files;
using Vernier.Inference.Decoders;

namespace Vernier.Inference.Architectures.Gpt2;

/// <summary>GPT-2, whose checkpoints may hold the masks of attention.</summary>
internal sealed class Gpt2Assembly(TransformerConfig config) : TransformerAssembly(config)
{
    /// <inheritdoc/>
    public override bool MayBeUnused(TensorInfo tensor) => tensor.Name.EndsWith(".attn.bias", StringComparison.Ordinal)
        && tensor.Shape.Count == 4;
}
