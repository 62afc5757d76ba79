using Vernier.Inference.Models;
using Vernier.Numerics;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Relaxed;
using Vernier.Quantization.Solvers.Sequential;
using Vernier.Quantization.Solvers.Vectors;
using Vernier.Quantization.Weights;

namespace Vernier.Tests.Solvers;

/// <summary>Small computations that steps share, against plain ones.</summary>
public class ArithmeticTests
{
    /// <summary>Tiles of 8 and 4 rows and strips of 32 columns, pieces of 128 terms, and what is left of each.</summary>
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(3, 70, 5)]
    [InlineData(7, 31, 128)]
    [InlineData(8, 32, 1)]
    [InlineData(8, 33, 129)]
    [InlineData(12, 64, 7)]
    [InlineData(15, 95, 16)]
    [InlineData(17, 100, 300)]
    [InlineData(29, 0, 4)]
    [InlineData(9, 40, 0)]
    public void ErrorsAreCarriedOverToAllColumns(int rows, int columns, int terms)
    {
        const int Margin = 3;
        int stride = columns + Margin, errorStride = terms + 2;
        float[] weights = TinyModel.Gaussian(rows * stride, 1, 1), errors = TinyModel.Gaussian(Math.Max(1, rows * errorStride), 2, 0.1),
            factor = TinyModel.Gaussian(Math.Max(1, terms * stride), 3, 1);
        float[] whole = [.. weights], blocks = [.. weights];
        Run(whole, 0, terms);
        // Two runs of some terms each give the same bits as one of all.
        Run(blocks, 0, terms / 3);
        Run(blocks, terms / 3, terms - terms / 3);
        Assert.Equal(whole, blocks);
        for (int i = 0; i < weights.Length; i++)
        {
            int row = i / stride, column = i % stride;
            double expected = weights[i];
            for (int term = 0; term < terms && column < columns; term++)
                expected += (double)errors[row * errorStride + term] * factor[term * stride + column];
            Assert.Equal(expected, whole[i], 2e-4);
            Assert.True(column < columns || whole[i] == weights[i]);
        }

        unsafe void Run(float[] target, int first, int count)
        {
            fixed (float* w = target, e = errors, v = factor)
                CarryKernel.Run(w, rows, columns, stride, e + first, count, errorStride, v + first * stride);
        }
    }

    [Fact]
    public void AdamTakesThePublishedStepsWhereverItsElementsBegin()
    {
        const int Count = 37;
        float[] values = TinyModel.Gaussian(Count, 1, 1), pieces = [.. values];
        double[] expected = Array.ConvertAll(values, value => (double)value), first = new double[Count], second = new double[Count];
        Adam whole = new(Count), split = new(Count);
        for (int step = 1; step <= 20; step++)
        {
            float[] gradient = TinyModel.Gaussian(Count, 100 + step, 10);
            gradient[5] = 0;
            whole.Step(0, values, gradient, 0.05, step);
            for (int at = 0; at < Count; at += 10)
                split.Step(at, pieces.AsSpan(at, Math.Min(10, Count - at)), gradient.AsSpan(at, Math.Min(10, Count - at)), 0.05, step);
            for (int i = 0; i < Count; i++)
            {
                first[i] = 0.9 * first[i] + 0.1 * gradient[i];
                second[i] = 0.999 * second[i] + 0.001 * gradient[i] * gradient[i];
                expected[i] -= 0.05 * first[i] / (1 - Math.Pow(0.9, step))
                    / (Math.Sqrt(second[i] / (1 - Math.Pow(0.999, step))) + 1e-8);
            }
            Assert.All(expected.Zip(values), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
            Assert.All(values.Zip(pieces), pair => Assert.Equal(pair.First, pair.Second, 1e-6));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(7)]
    public void SmallSystemsAreSolved(int n)
    {
        for (int seed = 0; seed < 20; seed++)
        {
            float[] x = TinyModel.Gaussian(2 * n * n, seed, 1), wanted = TinyModel.Gaussian(n, 100 + seed, 1);
            double[] matrix = new double[n * n], right = new double[n], solution = new double[n];
            for (int i = 0; i < n * n; i++)
            {
                for (int sample = 0; sample < 2 * n; sample++)
                    matrix[i] += (double)x[sample * n + i / n] * x[sample * n + i % n];
            }
            for (int i = 0; i < n * n; i++)
                right[i / n] += matrix[i] * wanted[i % n];
            SmallSystem.Solve(matrix, right, solution);
            Assert.All(wanted.Zip(solution), pair => Assert.Equal(pair.First, pair.Second, 1e-6));
        }
    }

    [Fact]
    public void AnUnknownThatDoesNotMatterIsZero()
    {
        var solution = new double[3];
        SmallSystem.Solve([4, 0, 2, 0, 0, 0, 2, 0, 3], [8, 0, 7], solution);
        Assert.Equal([1.25, 0, 1.5], solution);
        // The same equation twice: one unknown is enough.
        SmallSystem.Solve([1, 1, 0, 1, 1, 0, 0, 0, 2], [3, 3, 4], solution);
        Assert.Equal([3, 0, 2], solution);
        SmallSystem.Solve(new double[9], [1, 1, 1], solution);
        Assert.Equal([0, 0, 0], solution);
    }

    [Theory]
    [InlineData(ColumnImportance.None)]
    [InlineData(ColumnImportance.Diagonal)]
    [InlineData(ColumnImportance.Sequential)]
    [InlineData(ColumnImportance.Inverse)]
    public void ImportancesHaveAMeanOfOne(ColumnImportance importance)
    {
        var objective = new LayerObjective([4, 1, 0, 1, 2, 0, 0, 0, 0], 3);
        GramFactor factor = objective.Factor(ColumnOrder.Activation, 0.01)!;
        float[] found = ColumnWeights.Of(objective, importance, factor);
        Assert.Equal(importance is ColumnImportance.Sequential or ColumnImportance.Inverse, ColumnWeights.NeedFactor(importance));
        if (importance == ColumnImportance.None)
        {
            Assert.Empty(found);
            return;
        }
        Assert.Equal(1, found.Average(), 1e-4);
        Assert.True(found[0] > found[1], "the first channel has the larger energy");
        if (importance == ColumnImportance.Diagonal)
            Assert.Equal([2f, 1f, 1e-6f], found);
        Assert.Equal([2f, 1f, 1e-6f], ColumnWeights.Of(objective, importance, null));
        Assert.Empty(ColumnWeights.Of(LayerObjective.Unknown(3), importance, null));
    }

    [Theory]
    [InlineData(1, 2.0)]
    [InlineData(2, 3.0)]
    [InlineData(3, 1.0)]
    [InlineData(4, 40.0)]
    public void WeightsFarFromTheMeanAreCounted(int seed, double sigma)
    {
        float[] weights = TinyModel.Gaussian(70 * 33, seed, 0.01);
        for (int i = 0; i < weights.Length; i++)
            weights[i] += 0.25f;
        weights[100] = 3;
        double mean = weights.Average(weight => (double)weight),
            bound = sigma * Math.Sqrt(weights.Average(weight => Math.Pow(weight - mean, 2)));
        Assert.Equal(weights.Count(weight => Math.Abs(weight - mean) >= bound), Count(weights, 70, 33, sigma));
        Assert.Equal(mean, OutlierBound.Mean(weights, 33), 1e-12);
    }

    [Fact]
    public void EqualWeightsHaveNoOutliers()
    {
        Assert.Equal(0, Count([.. Enumerable.Repeat(0.3f, 12)], 3, 4, 1));
        Assert.Equal(0, Count(new float[12], 3, 4, 1));
        // Of two kinds of weights in equal numbers each is at one sigma.
        Assert.Equal(12, Count([.. Enumerable.Range(0, 12).Select(i => i % 2 == 0 ? 1f : -1f)], 3, 4, 1));
    }

    private static int Count(float[] weights, int rows, int columns, double sigma)
    {
        using var folder = new TempFolder();
        TinyModel.Write(folder["in"], ("a.weight", [rows, columns], weights));
        using var model = Model.Open(folder["in"]);
        int[] counts = [.. ((int[])[1, 3]).Select(threads =>
        {
            using var workers = new Workers(threads);
            return OutlierBound.Count(new WeightMatrix(model.Checkpoint, model.Checkpoint["a.weight"], workers: workers), sigma);
        })];
        return Assert.Single(counts.Distinct());
    }
}
