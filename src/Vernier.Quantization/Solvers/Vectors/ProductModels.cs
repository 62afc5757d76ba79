using Vernier.Quantization.Solvers.Codebooks;

namespace Vernier.Quantization.Solvers.Vectors;

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
