using Vernier.Quantization.Solvers.Vectors;

namespace Vernier.Quantization.Solvers.Codebooks;

/// <summary>
/// What of the codebooks is free while their numbers P, [books, 2^b d], follow linearly from it: parameters in pieces that do not depend on each other.
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

/// <summary>P = U V: the coefficients U, [books, rank], are free, the basis V, [rank, 2^b], is given.</summary>
internal sealed class CoefficientModel(double[] basis, int rank, int books, int bands) : CodebookModel
{
    private readonly int _entries = basis.Length / rank;

    public override int Pieces => bands;

    public override int Length => books * rank;

    public override double[] Expand(double[] parameters) => CodebookProduct.Multiply(parameters, basis, rank);

    public override double[] Reduce(double[] gradient) => Sum(gradient, basis);

    public override double[] ReduceSquares(double[] curvature) => Sum(curvature, Array.ConvertAll(basis, value => value * value));

    private double[] Sum(double[] values, double[] weights)
    {
        var sums = new double[Length];
        for (int i = 0; i < sums.Length; i++)
        {
            (int book, int r) = Math.DivRem(i, rank);
            for (int entry = 0; entry < _entries; entry++)
                sums[i] += values[book * _entries + entry] * weights[r * _entries + entry];
        }
        return sums;
    }
}

/// <summary>P = U V: the basis V, [rank, 2^b], is free, the coefficients U, [books, rank], are given.</summary>
internal sealed class BasisModel(double[] coefficients, int rank, int entries) : CodebookModel
{
    public override int Pieces => 1;

    public override int Length => rank * entries;

    public override double[] Expand(double[] parameters) => CodebookProduct.Multiply(coefficients, parameters, rank);

    public override double[] Reduce(double[] gradient) => Sum(gradient, coefficients);

    public override double[] ReduceSquares(double[] curvature) => Sum(curvature, Array.ConvertAll(coefficients, value => value * value));

    private double[] Sum(double[] values, double[] weights)
    {
        var sums = new double[Length];
        for (int book = 0; book < weights.Length / rank; book++)
        {
            for (int i = 0; i < sums.Length; i++)
                sums[i] += weights[book * rank + i / entries] * values[book * entries + i % entries];
        }
        return sums;
    }
}
