using Vernier.Numerics;
using Vernier.Quantization.Objectives;

namespace Vernier.Tests.Objectives;

/// <summary>The layer objective against plain sums in double precision, on shapes that end anywhere.</summary>
public class ObjectiveShapeTests
{
    /// <summary>Products are made of 1024 rows at a time.</summary>
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(3, 1, 1e-18)]
    [InlineData(1, 7, 1)]
    [InlineData(13, 24, 1e15)]
    [InlineData(1023, 5, 1)]
    [InlineData(1024, 5, 1)]
    [InlineData(1025, 5, 1)]
    [InlineData(2, 129, 1e-15)]
    public void ValuesAndGradientsAreThoseOfPlainSums(int rows, int columns, double size)
    {
        double[] gram = Gram(columns);
        float[] w = TinyModel.Gaussian(rows * columns, 1, size), q = TinyModel.Gaussian(rows * columns, 2, size);
        double[] values = new double[rows], gradient = new double[w.Length];
        for (int row = 0; row < rows; row++)
        {
            for (int i = 0; i < columns; i++)
            {
                for (int j = 0; j < columns; j++)
                {
                    double error = (double)w[row * columns + j] - q[row * columns + j];
                    gradient[row * columns + i] -= 2 * error * gram[j * columns + i];
                    values[row] += ((double)w[row * columns + i] - q[row * columns + i]) * gram[i * columns + j] * error;
                }
            }
        }
        foreach (int threads in (int[])[1, 3])
        {
            using var workers = new Workers(threads);
            var objective = new LayerObjective(gram, columns, workers);
            double unit = size * size * columns * columns;
            Assert.All(values.Zip(objective.RowValues(w, q)), pair => Assert.Equal(pair.First, pair.Second, 1e-10 * unit));
            Assert.Equal(values.Sum(), objective.Value(w, q), 1e-9 * unit * rows);
            double whole = objective.Value(w, new float[w.Length]);
            Assert.Equal(values.Sum() / whole, objective.Relative(w, q), 1e-9);
            var found = new double[w.Length];
            objective.Gradient(w, q, found);
            Assert.All(gradient.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-10 * unit / size));
        }
    }

    [Fact]
    public void MatricesOfDifferentShapesAreRefused()
    {
        var objective = new LayerObjective(Gram(4), 4);
        foreach ((int weights, int quantized) in ((int, int)[])[(8, 4), (4, 8), (6, 6), (8, 0)])
        {
            ArgumentException error = Assert.Throws<ArgumentException>(
                () => objective.Value(new float[weights], new float[quantized]));
            Assert.StartsWith($"{weights} weights and {quantized} quantized ones are not two matrices of 4 columns", error.Message,
                StringComparison.Ordinal);
        }
        Assert.Contains("gradient", Assert.Throws<ArgumentOutOfRangeException>(
            () => objective.Gradient(new float[8], new float[8], new double[7])).ParamName!, StringComparison.Ordinal);
        Assert.Equal(0, objective.Value(Array.Empty<float>(), Array.Empty<float>()));
    }

    [Fact]
    public void WhatIsNoGramMatrixIsRefused()
    {
        Refused(new double[8], "8 numbers are not 3 x 3");
        Refused([1, 0, 0, 0, -1e-9, 0, 0, 0, 1], "the Gram matrix holds numbers that are not finite, or a negative diagonal");
        Refused([1, 0, 0, 0, 1, double.NaN, 0, 0, 1], "the Gram matrix holds numbers that are not finite");
        Refused([1, 0, double.PositiveInfinity, 0, 1, 0, 0, 0, 1], "the Gram matrix holds numbers that are not finite");

        static void Refused(double[] gram, string message) => Assert.StartsWith(message,
            Assert.Throws<ArgumentException>(() => new LayerObjective(gram, 3)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DeadChannelsAndTheMeanAreThoseOfTheDiagonal()
    {
        var objective = new LayerObjective([4, 0, 1, 0, 0, 0, 1, 0, 2], 3);
        Assert.Equal([1], objective.DeadChannels);
        Assert.Equal((2.0, true), (objective.MeanDiagonal, objective.IsKnown));
        Assert.Equal([1, 0, 2], objective.Row(2).ToArray());
        LayerObjective nothing = LayerObjective.Unknown(3);
        Assert.Equal((false, 3, 0.0), (nothing.IsKnown, nothing.Columns, nothing.MeanDiagonal));
        Assert.Equal([0, 1, 2], nothing.DeadChannels);
    }

    [Theory]
    [InlineData(1, 0.01)]
    [InlineData(7, 0.01)]
    [InlineData(24, 0)]
    [InlineData(65, 1)]
    [InlineData(130, 0.1)]
    public void TheFactorIsThatOfTheDampedInverseInItsOrder(int columns, double damping)
    {
        double[] gram = Gram(columns);
        foreach (ColumnOrder order in Enum.GetValues<ColumnOrder>())
        {
            GramFactor[] factors = [.. ((int[])[1, 3]).Select(threads =>
            {
                using var workers = new Workers(threads);
                return GramFactor.Create(new LayerObjective(gram, columns, workers), order, damping)!;
            })];
            GramFactor factor = factors[0];
            Assert.Equal(factor.Carry, factors[1].Carry);
            Assert.Equal(factor.Cost, factors[1].Cost);
            Assert.Equal(damping, factor.Damping);
            Assert.Equal(Enumerable.Range(0, columns), factor.Order.Order());
            double[] energies = [.. factor.Order.Select(column => gram[column * columns + column])];
            Assert.True(order == ColumnOrder.Natural ? factor.Order.SequenceEqual(Enumerable.Range(0, columns))
                : energies.SequenceEqual(energies.OrderDescending()));
            double[] inverse = Inverse(gram, columns, damping, factor.Order), diagonals = factor.InverseDiagonals();
            for (int i = 0; i < columns; i++)
            {
                Assert.Equal(1, diagonals[i] * inverse[i * columns + i], 1e-4);
                for (int j = 0; j < columns; j++)
                    Assert.Equal(inverse[i * columns + j], Product(factor, i, j), 1e-4 * Math.Sqrt(inverse[i * columns + i]
                        * inverse[j * columns + j]));
            }
        }
    }

    [Fact]
    public void AFactorIsFoundOnceForEachOrderAndDamping()
    {
        var objective = new LayerObjective(Gram(9), 9);
        GramFactor factor = objective.Factor(ColumnOrder.Natural, 0.01)!;
        Assert.Same(factor, objective.Factor(ColumnOrder.Natural, 0.01));
        Assert.NotSame(factor, objective.Factor(ColumnOrder.Natural, 0.02));
        Assert.NotSame(factor, objective.Factor(ColumnOrder.Activation, 0.01));
        Assert.Null(new LayerObjective(new double[81], 9).Factor(ColumnOrder.Natural, 0.01));
    }

    /// <summary>A channel that is always zero neither takes part in an error nor makes up for one.</summary>
    [Fact]
    public void DeadChannelsStandAlone()
    {
        double[] gram = Gram(6);
        for (int i = 0; i < 6; i++)
            gram[i * 6 + 2] = gram[2 * 6 + i] = 0;
        GramFactor factor = GramFactor.Create(new LayerObjective(gram, 6), ColumnOrder.Natural, 0.01)!;
        for (int i = 0; i < 6; i++)
            Assert.Equal((0f, 0f), (factor.Carry[2 * 6 + i], factor.Carry[i * 6 + 2]));
    }

    // H of correlated channels of different energies.
    private static double[] Gram(int columns)
    {
        int samples = 2 * columns + 3;
        float[] x = TinyModel.Gaussian(samples * columns, columns, 1);
        for (int i = 0; i < x.Length; i++)
            x[i] = x[i] * (1 + i * 7 % columns) / columns + (i % columns > 0 ? 0.5f * x[i - 1] : 0);
        var gram = new double[columns * columns];
        for (int i = 0; i < gram.Length; i++)
        {
            for (int sample = 0; sample < samples; sample++)
                gram[i] += (double)x[sample * columns + i / columns] * x[sample * columns + i % columns];
        }
        return gram;
    }

    // (U^T U)_ij by places, with U_jk = carry_jk / sqrt(cost_j) and a diagonal of 1 / sqrt(cost_j).
    private static double Product(GramFactor factor, int i, int j)
    {
        int n = factor.Order.Length;
        double sum = 0;
        for (int row = 0; row <= Math.Min(i, j); row++)
            sum += Of(row, i) * Of(row, j) / factor.Cost[row];
        return sum;

        double Of(int row, int column) => row == column ? 1 : factor.Carry[row * n + column];
    }

    // By Gauss and Jordan.
    private static double[] Inverse(double[] gram, int n, double damping, int[] order)
    {
        double mean = Enumerable.Range(0, n).Average(i => gram[i * n + i]);
        double[] matrix = new double[n * n], inverse = new double[n * n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
                matrix[i * n + j] = gram[order[i] * n + order[j]] + (i == j ? damping * mean : 0);
            inverse[i * n + i] = 1;
        }
        for (int i = 0; i < n; i++)
        {
            double pivot = matrix[i * n + i];
            for (int k = 0; k < n; k++)
                (matrix[i * n + k], inverse[i * n + k]) = (matrix[i * n + k] / pivot, inverse[i * n + k] / pivot);
            for (int j = 0; j < n; j++)
            {
                double part = matrix[j * n + i];
                for (int k = 0; k < n && j != i; k++)
                    (matrix[j * n + k], inverse[j * n + k]) = (matrix[j * n + k] - part * matrix[i * n + k],
                        inverse[j * n + k] - part * inverse[i * n + k]);
            }
        }
        return inverse;
    }
}
