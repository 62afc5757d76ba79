using Vernier.Inference.Decoders;
using Vernier.Inference.Parts;
using Vernier.Inference.Weights;

namespace Vernier.Inference.Architectures.Llama4;

/// <summary>Llama 4, whose layers that rotate norm their heads without weights.</summary>
internal sealed class Llama4Assembly(Llama4Config config) : TransformerAssembly(config)
{
    /// <inheritdoc/>
    protected override INorm? HeadNormOf(IWeightSource weights, int layer, string? part, int heads, int headSize)
    {
        if (!config.NormsHeads || config.RopeOf(layer) is null)
            return null;
        float[] ones = new float[headSize];
        Array.Fill(ones, 1);
        return new RmsNorm(ones, config.NormEpsilon);
    }
}
