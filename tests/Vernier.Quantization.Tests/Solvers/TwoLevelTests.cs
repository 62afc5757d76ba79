using Vernier.Inference.Models;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.TwoLevel;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Gptq;
using Vernier.Quantization.Solvers.Nearest;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Tests.Solvers;

public class TwoLevelTests
{
    private static readonly NearestStep s_output = new() { Importance = ColumnImportance.Output };
    private static readonly GptqStep s_gptq = new() { Importance = ColumnImportance.Output };

    [Theory]
    [InlineData(4, 64)]
    [InlineData(3, 128)]
    [InlineData(2, 50)]
    public void TheSearchByTheOutputBeatsThatByTheWeightsAndGptqBoth(int bits, int group)
    {
        foreach (string name in (string[])[RealLayers.Names[0], RealLayers.Names[3]])
        {
            MatrixProblem problem = Problem(name, bits, group);
            MatrixOutcome output = Solve(problem, s_output), weights = Solve(problem, new NearestStep());
            MatrixOutcome gptq = Solve(problem, s_gptq);
            Assert.Equal(output.Report.Nearest, weights.Report.Objective);
            Assert.True(output.Report.Objective < output.Report.Nearest,
                $"{name}: {output.Report.Objective} by the output, {output.Report.Nearest} by the weights");
            Assert.True(gptq.Report.Objective < output.Report.Objective,
                $"{name}: gptq {gptq.Report.Objective}, nearest {output.Report.Objective}");
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
        var matrix = (TwoLevelMatrix)Solve(problem, s_output).Matrix;
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
        MatrixProblem known = Problem(RealLayers.Names[0], 4, 64), problem = new(known.Layout, known.Weights);
        var matrix = (TwoLevelMatrix)Solve(problem, s_output).Matrix;
        ScalarSolution scalar = ScalarSolution.Nearest(
            RealLayers.Problem(RealLayers.Names[0], "rtn-asymmetric", 4, Granularity.Group(64)), []);
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
        var matrix = (TwoLevelMatrix)Solve(new MatrixProblem(spec, weights), s_output).Matrix;
        var row = new float[100];
        for (int r = 0; r < 3; r++)
        {
            matrix.DequantizeRow(r, row);
            for (int i = 0; i < 100; i++)
                Assert.Equal(weights[r * 100 + i], row[i], r == 2 ? 1e-6 : 0.05);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AModelIsTheSameOnAnyNumberOfThreadsWithAllThatCanBeAdded(bool sequential)
    {
        using var folder = new TempFolder();
        TinyLlama.Write(folder["m"]);
        using var opened = Model.Open(folder["m"]);
        Recipe recipe = RecipeCatalogue.Find("dgq") with
        {
            Solver = [sequential ? s_gptq : s_output],
            Outliers = new OutlierPart { Share = 0.02 },
            LowRank = new LowRankPart { Rank = 2 },
        };
        Assert.Null(recipe.Problem);
        byte[][] files = [.. ((int[])[1, 3]).Select(count =>
        {
            using var workers = new Workers(count);
            var plan = QuantizationPlan.Create(opened,
                new QuantizationOptions { Recipe = recipe, Granularity = Granularity.Group(50), Bits = 3 }, workers);
            IReadOnlyList<QuantizedTensorReport> reports = new Quantizer(plan).Run(folder[$"{count}"]);
            Assert.Equal(14, reports.Count(report => report.Layout is TwoLevelLayout { Rank: 2, Outliers: > 0 }
                && report.Solved!.Objective < report.Solved.Nearest));
            return File.ReadAllBytes(folder[$"{count}/model.safetensors"]);
        })];
        Assert.Equal(files[0], files[1]);
    }

    private static MatrixProblem Problem(string name, int bits, int group)
    {
        MatrixProblem scalar = RealLayers.Problem(name, "rtn", 4, Granularity.Group(64));
        return scalar.With(new TwoLevelLayout(scalar.Rows, scalar.Columns, bits, group));
    }

    private static MatrixOutcome Solve(MatrixProblem problem, SolverStep step) => new MatrixSolver([step]).Solve(problem);

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
