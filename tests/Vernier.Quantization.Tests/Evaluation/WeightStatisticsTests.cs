using Vernier.Grids;
using Vernier.Grids.Uniform;
using Vernier.Inference.Models;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Quantization.Evaluation;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;

namespace Vernier.Tests.Evaluation;

/// <summary>Distributions of weights against the definitions.</summary>
public class WeightStatisticsTests
{
    /// <summary>Tensors are read in pieces of 65536.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(1000)]
    [InlineData(65535)]
    [InlineData(65536)]
    [InlineData(65537)]
    [InlineData(200_001)]
    public void TheyAreThoseOfTheDefinition(int count)
    {
        float[] values = TinyModel.Gaussian(count, 3, 2);
        for (int i = 0; i < count; i += 97)
            values[i] *= 9;
        WeightStatistics[] found = [.. ((int[])[1, 3]).Select(threads => Of(values, threads))];
        Assert.Equal(found[0], found[1]);
        Check(values, found[0]);
    }

    [Theory]
    [InlineData(0.1f)]
    [InlineData(-3e38f)]
    [InlineData(1e-40f)]
    public void AConstantHasNoSpreadAndNoKurtosis(float constant)
    {
        WeightStatistics found = Of([.. Enumerable.Repeat(constant, 70_001)], 2);
        Assert.Equal((70_001, 0, (double)constant, (double)constant), (found.Count, found.NotFinite, found.Minimum, found.Maximum));
        Assert.Equal((constant, 0.0, 0.0, 0.0),
            ((float)found.Mean, found.StandardDeviation, found.BeyondThreeSigma, found.BeyondSixSigma));
        Assert.True(double.IsNaN(found.Kurtosis));
    }

    [Fact]
    public void WhatIsNotFiniteIsCountedAndLeftOut()
    {
        float[] values = TinyModel.Gaussian(66_000, 4, 1), finite = [.. values[..^3]];
        (values[^1], values[^2], values[^3]) = (float.NaN, float.PositiveInfinity, float.NegativeInfinity);
        WeightStatistics found = Of(values, 2);
        Assert.Equal(3, found.NotFinite);
        Check(finite, found);
    }

    [Fact]
    public void OfNoFiniteNumberNothingIsKnown()
    {
        WeightStatistics found = Of([float.NaN, float.NegativeInfinity], 1);
        Assert.Equal((0, 2), (found.Count, found.NotFinite));
        Assert.All([found.Minimum, found.Maximum, found.Mean, found.StandardDeviation, found.Kurtosis, found.BeyondThreeSigma,
            found.BeyondSixSigma], value => Assert.True(double.IsNaN(value)));
    }

    [Fact]
    public void OfAPackedMatrixTheyAreThoseOfWhatItStandsFor()
    {
        const int Rows = 9, Columns = 70;
        var problem = new MatrixProblem(new UniformGridSpec().LayoutOf(Rows, Columns, 3, Granularity.Group(24)),
            TinyModel.Gaussian(Rows * Columns, 5, 0.2)) { Tables = [UniformGrid.Create(3, LevelLayout.Full)] };
        PackedMatrix packed = new MatrixSolver([]).Solve(problem).Matrix;
        var values = new float[Rows * Columns];
        for (int row = 0; row < Rows; row++)
            packed.DequantizeRow(row, values.AsSpan(row * Columns, Columns));
        Check(values, WeightStatistics.Of(packed));
    }

    private static WeightStatistics Of(float[] values, int threads)
    {
        using var folder = new TempFolder();
        TinyModel.Write(folder["in"], ("a.weight", [values.Length], values));
        using var model = Model.Open(folder["in"]);
        using var workers = new Workers(threads);
        return WeightStatistics.Of(model.Checkpoint, model.Checkpoint["a.weight"], workers);
    }

    private static void Check(float[] values, WeightStatistics found)
    {
        double mean = values.Average(value => (double)value), variance = values.Average(value => Math.Pow(value - mean, 2)),
            sigma = Math.Sqrt(variance);
        Assert.Equal((values.Length, values.Min(), values.Max()), (found.Count, (float)found.Minimum, (float)found.Maximum));
        Assert.Equal(mean, found.Mean, 1e-12);
        Assert.Equal(sigma, found.StandardDeviation, 1e-9);
        if (values.Length > 1)
            Assert.Equal(1, values.Average(value => Math.Pow(value - mean, 4)) / variance / variance / found.Kurtosis, 1e-9);
        Assert.Equal(values.Count(value => Math.Abs(value - mean) > 3 * sigma), found.BeyondThreeSigma * values.Length, 1e-6);
        Assert.Equal(values.Count(value => Math.Abs(value - mean) > 6 * sigma), found.BeyondSixSigma * values.Length, 1e-6);
    }
}
