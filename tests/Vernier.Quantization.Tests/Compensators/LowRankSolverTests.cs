using System.Numerics.Tensors;
using Vernier.Inference.Models;
using Vernier.Inference;
using Vernier.Inference.Passes;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Compensators;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers.Scalar;
using Vernier.Tests.Solvers;

namespace Vernier.Tests.Compensators;

public class LowRankSolverTests
{
    [Fact]
    public void WhatIsLeftFallsWithTheRankAsTheTailOfTheSingularValues()
    {
        LayerOf(RealLayers.Names[0], out float[] weights, out ScalarMatrix packed, out int columns);
        float[] error = Residual(packed, weights);
        double[] values = TruncatedSvd.Of(error, packed.Rows, columns, 64, Workers.Shared).Values;
        double before = TensorPrimitives.SumOfSquares<float>(error), last = before;
        foreach (int rank in (int[])[1, 2, 4, 8, 16, 32, 64])
        {
            var whole = new ScalarMatrix(packed.Spec with { Rank = rank }, packed.Grids, packed.Scales.ToArray(), [], packed.Codes);
            float[] result = LowRankSolver.Compensate(whole, weights, 0, null, Workers.Shared);
            double left = TensorPrimitives.SumOfSquares<float>(Residual(whole, weights)), tail = before - values.Take(rank).Sum(s => s * s);
            Assert.True(left < last, $"rank {rank}: {left} is not below {last}");
            Assert.Equal(tail, left, 0.005 * before);
            var row = new float[columns];
            whole.DequantizeRow(3, row);
            Assert.Equal(row, result.AsSpan(3 * columns, columns).ToArray());
            last = left;
        }
    }

    [Fact]
    public void WeightedColumnsGetMoreOfIt()
    {
        LayerOf(RealLayers.Names[3], out float[] weights, out ScalarMatrix packed, out int columns);
        double[] importance = RealLayers.Objective(RealLayers.Names[3]).Diagonal,
            errors = [.. ((double[]?[])[null, importance]).Select(weighting =>
        {
            var whole = new ScalarMatrix(packed.Spec with { Rank = 8 }, packed.Grids, packed.Scales.ToArray(), [], packed.Codes);
            LowRankSolver.Compensate(whole, weights, 0, weighting, Workers.Shared);
            float[] error = Residual(whole, weights);
            return Enumerable.Range(0, error.Length).Sum(i => importance[i % columns] * error[i] * error[i]);
        })];
        Assert.True(errors[1] < errors[0], $"weighted {errors[1]}, not {errors[0]}");
    }

    [Theory]
    [InlineData("rtn", false)]
    [InlineData("gptq", true)]
    [InlineData("rtn", true)]
    public void AnyRecipeTakesARankAndLosesLess(string name, bool weighted)
    {
        using var folder = new TempFolder();
        TinyLlama.Write(folder["m"]);
        using var opened = Model.Open(folder["m"]);
        double[] objectives = [.. ((int[])[0, 4, 1000]).Select(rank =>
        {
            Recipe recipe = RecipeCatalogue.Find(name)
                with { LowRank = rank == 0 ? null : new LowRankPart { Rank = rank, Weighted = weighted } };
            Assert.Null(recipe.Problem);
            var plan = QuantizationPlan.Create(opened, new QuantizationOptions { Recipe = recipe, Bits = 3 });
            IReadOnlyList<QuantizedTensorReport> reports = new Quantizer(plan).Run(folder[$"out{rank}"]);
            Assert.Equal(plan.Bytes, new FileInfo(folder[$"out{rank}/model.safetensors"]).Length
                + new FileInfo(folder[$"out{rank}/config.json"]).Length);
            LanguageModel.Load(folder[$"out{rank}"]).CreateSession().Forward([new Segment(new[] { 1, 2, 3 })], LogitRows.Last);
            QuantizedTensorReport[] layers = [.. reports.Where(report => report.Name.Contains("proj", StringComparison.Ordinal))];
            Assert.All(layers, layer => Assert.Equal(Math.Min(rank, Math.Min(layer.Layout.Rows, layer.Layout.Columns)), layer.Layout.Rank));
            return layers.Average(layer => layer.Solved?.Objective ?? layer.Error.Relative);
        })];
        Assert.True(objectives[1] < objectives[0] && objectives[2] < 0.1 * objectives[1], string.Join(' ', objectives));
    }

    private static void LayerOf(string name, out float[] weights, out ScalarMatrix packed, out int columns)
    {
        var problem = RealLayers.Problem(name, "rtn", 3, Granularity.Group(64));
        (weights, columns) = (problem.Weights, problem.Columns);
        packed = ScalarSolution.Nearest(problem, []).Pack(0);
    }

    private static float[] Residual(PackedMatrix packed, float[] weights)
    {
        var residual = new float[weights.Length];
        for (int row = 0; row < packed.Rows; row++)
            packed.DequantizeRow(row, residual.AsSpan(row * packed.Columns, packed.Columns));
        TensorPrimitives.Subtract(weights, residual, residual);
        return residual;
    }
}
