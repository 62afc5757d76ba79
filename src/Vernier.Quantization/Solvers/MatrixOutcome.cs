using Vernier.Packing;

namespace Vernier.Quantization.Solvers;

/// <summary>What became of a matrix, without the matrix itself.</summary>
/// <param name="Nearest">The relative layer objective f(Q) / f(0) that rounding to nearest on the same grid leaves; 0 without data.</param>
/// <param name="Objective">The relative layer objective of what was made; 0 without data.</param>
/// <param name="Damping">The damping relative to the mean diagonal of the Gram matrix; 0 where none was needed.</param>
/// <param name="DeadChannels">Input channels that were zero on all calibration tokens.</param>
/// <param name="Fallback">Why the matrix was not solved as the recipe says; null where it was.</param>
/// <param name="Seconds">The time that the solver took, without calibration.</param>
/// <param name="Tokens">The calibration tokens that it saw: all, or those that a router sent to its expert.</param>
public sealed record MatrixReport(double Nearest, double Objective, double Damping, int DeadChannels, Fallback? Fallback, double Seconds,
    long Tokens = 0);

/// <summary>A solved matrix.</summary>
/// <param name="Matrix">The matrix as it is stored.</param>
/// <param name="Report">How the steps left it.</param>
public sealed record MatrixOutcome(PackedMatrix Matrix, MatrixReport Report);
