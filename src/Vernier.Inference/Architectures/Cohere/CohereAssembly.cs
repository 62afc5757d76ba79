using Vernier.Inference.Decoders;
using Vernier.Inference.Parts;
using Vernier.Inference.Weights;

namespace Vernier.Inference.Architectures.Cohere;

/// <summary>Command R, whose norms of heads have their weights in one tensor of heads x head size.</summary>
internal sealed class CohereAssembly(TransformerConfig config) : TransformerAssembly(config)
{
    /// <inheritdoc/>
    protected override INorm EachHead(IWeightSource weights, string name, int heads, int headSize)
    {
        float[] rows = weights.Values(name + ".weight", heads, headSize);
        return new HeadNorms([.. Enumerable.Range(0, heads).Select(head =>
            new LayerNorm(rows[(head * headSize)..((head + 1) * headSize)], null, Transformer.NormEpsilon))], headSize);
    }
}
