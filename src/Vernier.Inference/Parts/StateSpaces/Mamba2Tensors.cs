namespace Vernier.Inference.Parts.StateSpaces;

/// <summary>The tensors of a Mamba-2 layer beside its projections.</summary>
/// <param name="Convolution">Channels x length.</param>
/// <param name="ConvolutionBias">One for each channel, or null.</param>
/// <param name="DecayLog">A_log, one a head.</param>
/// <param name="Direct">D, one a head.</param>
/// <param name="StepBias">What is added to steps, one a head.</param>
/// <param name="Norm">The norm with the gate.</param>
internal sealed record Mamba2Tensors(float[] Convolution, float[]? ConvolutionBias, float[] DecayLog, float[] Direct, float[] StepBias,
    GatedNorm Norm)
{
    /// <summary>The bounds of steps.</summary>
    public (float Least, float Most) Steps { get; init; } = (0, float.PositiveInfinity);

    /// <summary>What z, x, B, C and the steps are multiplied by; empty for 1.</summary>
    public float[] Scales { get; init; } = [];
}
