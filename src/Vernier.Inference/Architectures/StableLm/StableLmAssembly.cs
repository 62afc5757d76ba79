using Vernier.Inference.Decoders;
using Vernier.Inference.Parts;
using Vernier.Inference.Weights;

namespace Vernier.Inference.Architectures.StableLm;

/// <summary>StableLM, whose norms of heads have no biases.</summary>
internal sealed class StableLmAssembly(TransformerConfig config) : TransformerAssembly(config)
{
    /// <inheritdoc/>
    protected override INorm EachHead(IWeightSource weights, string name, int heads, int headSize) => new HeadNorms(
        [.. Enumerable.Range(0, heads).Select(head => new LayerNorm(weights.Vector($"{name}.norms.{head}.weight", headSize), null,
            Transformer.NormEpsilon))], headSize);
}
