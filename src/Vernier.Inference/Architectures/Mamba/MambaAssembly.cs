using Vernier.Inference.Decoders;
using Vernier.Inference.Parts;
using Vernier.Inference.Weights;

namespace Vernier.Inference.Architectures.Mamba;

/// <summary>Puts a Mamba together.</summary>
internal sealed class MambaAssembly(MambaConfig config) : StateSpaceAssembly(config, config.NormEpsilon)
{
    /// <inheritdoc/>
    protected override IBlockPart Mixer(IWeightSource weights, int layer, string prefix) =>
        config.Style.Make(weights, layer, prefix, config.HiddenSize, config.MixerEpsilon is float epsilon
            ? (_, width) => new RmsNorm(Ones(width), epsilon) : null);

    private static float[] Ones(int width)
    {
        float[] ones = new float[width];
        Array.Fill(ones, 1);
        return ones;
    }
}
