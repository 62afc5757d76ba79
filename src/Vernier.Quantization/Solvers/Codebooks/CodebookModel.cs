namespace Vernier.Quantization.Solvers.Codebooks;

/// <summary>
/// What of the codebooks is free while their numbers P, [books, 2^b d], follow linearly from it: parameters in pieces that do not depend on
/// each other.
/// </summary>
internal abstract class CodebookModel
{
    /// <summary>The number of pieces.</summary>
    public abstract int Pieces { get; }

    /// <summary>The parameters.</summary>
    public abstract int Length { get; }

    /// <summary>P of parameters.</summary>
    public abstract double[] Expand(double[] parameters);

    /// <summary>The gradient by the parameters, given that by P.</summary>
    public abstract double[] Reduce(double[] gradient);

    /// <summary>The curvature along each parameter, given that along each number where these do not meet.</summary>
    public abstract double[] ReduceSquares(double[] curvature);
}

/// <summary>All numbers are free; those of different rows do not depend on each other.</summary>
/// <param name="numbers">The numbers.</param>
/// <param name="bands">The groups of rows.</param>
internal sealed class FreeCodebooks(int numbers, int bands) : CodebookModel
{
    public override int Pieces => bands;

    public override int Length => numbers;

    public override double[] Expand(double[] parameters) => parameters;

    public override double[] Reduce(double[] gradient) => gradient;

    public override double[] ReduceSquares(double[] curvature) => curvature;
}
