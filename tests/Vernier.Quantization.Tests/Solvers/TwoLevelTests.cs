using Vernier.Files.Checkpoints;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.TwoLevel;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.TwoLevel;

namespace Vernier.Tests.Solvers;

public class TwoLevelTests
{
    [Theory]
    [InlineData(4, 64)]
    [InlineData(3, 128)]
    [InlineData(2, 50)]
    public void TheSearchByTheOutputBeatsThatByTheWeightsAndGptqBoth(int bits, int group)
    {
        foreach (string name in (string[])[RealLayers.Names[0], RealLayers.Names[3]])
        {
            MatrixProblem problem = Problem(name, bits, group);
            MatrixResult output = Solve(problem, SolverMethod.Nearest, ColumnImportance.Output), weights = Solve(problem, SolverMethod.Nearest, ColumnImportance.None);
            MatrixResult gptq = Solve(problem, SolverMethod.Gptq, ColumnImportance.Output);
            Assert.Equal(output.Nearest, weights.Objective);
            Assert.True(output.Objective < output.Nearest, $"{name}: {output.Objective} by the output, {output.Nearest} by the weights");
            Assert.True(gptq.Objective < output.Objective, $"{name}: gptq {gptq.Objective}, nearest {output.Objective}");
            Assert.Equal(problem.Layout.StoredBytes, output.Matrix.ArrayBytes().Sum(bytes => (long)bytes.Length));
        }
    }

    [Theory]
    [InlineData(4, 128)]
    [InlineData(3, 50)]
    [InlineData(2, 0)]
    public void EveryIntegerIsACodeTimesItsFactorWithin127(int bits, int group)
    {
        MatrixProblem problem = Problem(RealLayers.Names[2], bits, group);
        var matrix = (TwoLevelMatrix)Solve(problem, SolverMethod.Nearest, ColumnImportance.Output).Matrix;
        TwoLevelLayout spec = matrix.Spec;
        byte[] codes = new byte[spec.Columns], zeros = new byte[spec.Groups];
        var integers = new sbyte[spec.Columns];
        for (int row = 0; row < spec.Rows; row++)
        {
            CodePacking.Unpack(matrix.Codes.Span.Slice(row * spec.BytesPerRow, spec.BytesPerRow), bits, codes);
            CodePacking.Unpack(matrix.Zeros.Span.Slice(row * spec.ZeroBytesPerRow, spec.ZeroBytesPerRow), bits, zeros);
            matrix.ExpandRow(row, integers);
            for (int i = 0; i < spec.Columns; i++)
            {
                int factor = matrix.Factors.Span[row * spec.Groups + i / spec.Width], steps = codes[i] - zeros[i / spec.Width];
                Assert.InRange(Math.Abs(steps), 0, 127 / factor);
                Assert.Equal(factor * steps, integers[i]);
            }
        }
    }

    [Fact]
    public void WithoutDataTheErrorIsNearThatOfAnAsymmetricGridOfTheSameGroups()
    {
        MatrixProblem problem = Problem(RealLayers.Names[0], 4, 64) with { Objective = null };
        var matrix = (TwoLevelMatrix)Solve(problem, SolverMethod.Nearest, ColumnImportance.Output).Matrix;
        LayerSolution scalar = LayerSolution.Nearest(RealLayers.Problem(RealLayers.Names[0], "rtn-asymmetric", 4, Granularity.Group(64)), []);
        double own = Error(problem.Weights, matrix), other = Error(problem.Weights, scalar.Pack(0));
        Assert.InRange(own, other * 0.9, other * 1.15);
    }

    [Fact]
    public void RowsOfZerosAndOfOneWeightAreSolved()
    {
        float[] weights = new float[3 * 100];
        weights[130] = 1;
        weights[299] = -1e-6f;
        var spec = new TwoLevelLayout(3, 100, 4, 32);
        var matrix = (TwoLevelMatrix)new TwoLevelMethod().Solve(new MatrixProblem(spec, weights, 0, null), RecipeCatalogue.Find("dgq")).Matrix;
        var row = new float[100];
        for (int r = 0; r < 3; r++)
        {
            matrix.DequantizeRow(r, row);
            for (int i = 0; i < 100; i++)
                Assert.Equal(weights[r * 100 + i], row[i], r == 2 ? 1e-6 : 0.05);
        }
    }

    [Theory]
    [InlineData(SolverMethod.Nearest)]
    [InlineData(SolverMethod.Gptq)]
    public void AModelIsTheSameOnAnyNumberOfThreadsWithAllThatCanBeAdded(SolverMethod method)
    {
        using var folder = new TempFolder();
        TinyLlama.Write(folder["m"]);
        using Checkpoint checkpoint = Checkpoint.Open(folder["m"]);
        Recipe recipe = RecipeCatalogue.Find("dgq") with
        {
            Solver = [new() { Method = method, Importance = ColumnImportance.Output }],
            Outliers = new OutlierPart { Share = 0.02 },
            LowRank = new LowRankPart { Rank = 2 },
        };
        Assert.Null(recipe.Problem);
        int threads = ParallelLoop.MaxThreads;
        byte[][] files = [.. ((int[])[1, 3]).Select(count =>
        {
            ParallelLoop.MaxThreads = count;
            var plan = QuantizationPlan.Create(checkpoint, new QuantizationOptions { Recipe = recipe, Granularity = Granularity.Group(50), Bits = 3 });
            IReadOnlyList<QuantizedTensorReport> reports = new Quantizer(plan).Run(folder[$"{count}"]);
            Assert.Equal(14, reports.Count(report => report.Layout is TwoLevelLayout { Rank: 2, Outliers: > 0 } && report.Solved!.Objective < report.Solved.Nearest));
            return File.ReadAllBytes(folder[$"{count}/model.safetensors"]);
        })];
        ParallelLoop.MaxThreads = threads;
        Assert.Equal(files[0], files[1]);
    }

    [Theory]
    [InlineData("""{"kind":"two-level","layouts":["full"]}""")]
    [InlineData("""{"kind":"two-level","layouts":["asymmetric"]},"solver":[{"method":"nearest","importance":"diagonal"}]""")]
    [InlineData("""{"kind":"two-level","layouts":["asymmetric"]},"solver":[{"method":"gptq"},{"method":"quantease"}]""")]
    [InlineData("""{"kind":"uniform","layouts":["full"]},"solver":[{"method":"gptq","importance":"output"}]""")]
    public void WhatDoesNotGoTogetherIsRefused(string grid) => Assert.Throws<System.Text.Json.JsonException>(() => Recipe.Parse(new MemoryStream(
        System.Text.Encoding.UTF8.GetBytes($$"""{"name":"x","summary":"","paper":"","needs":"","grid":{{grid}}}"""))));

    private static MatrixProblem Problem(string name, int bits, int group)
    {
        LayerProblem scalar = RealLayers.Problem(name, "rtn", 4, Granularity.Group(64));
        return new MatrixProblem(new TwoLevelLayout(scalar.Rows, scalar.Columns, bits, group), scalar.Weights, 0, scalar.Objective);
    }

    private static MatrixResult Solve(MatrixProblem problem, SolverMethod method, ColumnImportance importance) =>
        new TwoLevelMethod().Solve(problem, RecipeCatalogue.Find("dgq") with { Solver = [new() { Method = method, Importance = importance }] });

    private static double Error(float[] weights, PackedMatrix matrix)
    {
        var row = new float[matrix.Columns];
        double sum = 0;
        for (int r = 0; r < matrix.Rows; r++)
        {
            matrix.DequantizeRow(r, row);
            for (int i = 0; i < row.Length; i++)
                sum += Math.Pow(weights[r * row.Length + i] - row[i], 2);
        }
        return sum;
    }
}
