using Vernier.Packing;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Nearest;

namespace Vernier.Quantization.Pipeline;

/// <summary>What became of one matrix, measured on the file as written.</summary>
/// <param name="Name">The matrix.</param>
/// <param name="Layout">How it is stored.</param>
/// <param name="Exponents">The exponents of its grids.</param>
/// <param name="Error">How close it is to the original.</param>
/// <param name="Solved">How the solver left it; null where it was rounded without data.</param>
public sealed record QuantizedTensorReport(
    string Name, PackedLayout Layout, IReadOnlyList<double> Exponents, WeightError Error, MatrixReport? Solved = null);
