namespace Vernier.Quantization.Pipeline;

/// <summary>How the solver left a layer.</summary>
/// <param name="Nearest">The relative layer objective f(Q) / f(0) that rounding to nearest on the same grid leaves.</param>
/// <param name="Objective">The relative layer objective of what was written.</param>
/// <param name="Damping">The damping relative to the mean diagonal of the Gram matrix; 0 where none was needed.</param>
/// <param name="DeadChannels">Input channels that were zero on all calibration tokens.</param>
/// <param name="Fallback">Why the layer was rounded to nearest in place of the recipe's solver; null where it was not.</param>
/// <param name="Seconds">The time the solver took, without calibration.</param>
public sealed record SolvedLayerReport(double Nearest, double Objective, double Damping, int DeadChannels, string? Fallback, double Seconds);
