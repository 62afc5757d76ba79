namespace Vernier.Quantization.Pipeline;

/// <summary>How far a run is.</summary>
/// <param name="Stage">What is being done, in a few words.</param>
/// <param name="Tensor">The tensor in hand.</param>
/// <param name="Fraction">The part of the work that is done, 0 to 1.</param>
public readonly record struct QuantizationProgress(string Stage, string Tensor, double Fraction);
