using Vernier.Grids;
using Vernier.Grids.Uniform;
using Vernier.Grids.Vectors;
using Vernier.Inference.Models;
using Vernier.Levels;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Vectors;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Codebooks;
using Vernier.Quantization.Solvers.Gptq;
using Vernier.Quantization.Solvers.Scalar;
using Vernier.Quantization.Solvers.Vectors;
using static Vernier.Tests.Solvers.VectorLayers;

namespace Vernier.Tests.Solvers;

/// <summary>The invariants of GPTVQ, on real layers and on awkward matrices.</summary>
public class VectorTests
{
    private static readonly GptqStep s_gptq = new();

    [Fact]
    public void OneDimensionOnTheUniformGridIsGptq()
    {
        MatrixProblem scalar = RealLayers.Problem(RealLayers.Names[4], "rtn", 4, Granularity.Tensor);
        ScalarSolution expected = new GptqSolver(s_gptq).Solve(scalar, scalar.Objective.Factor(s_gptq.Order, s_gptq.Damping)!);
        var layout = new VectorLayout(scalar.Rows, scalar.Columns, 1, 4, scalar.Rows, scalar.Columns);
        var codebook = new VectorSolution(layout, 0);
        // The grid has the unit 1/8, the codebook 1/128.
        LevelTable table = UniformGrid.Create(4, LevelLayout.Full);
        for (int code = 0; code < 16; code++)
            codebook.Entries[code] = checked((sbyte)(table.Levels[code] * 16));
        codebook.Scales[0] = expected.Scales[0];
        VectorSolution solution = new VectorGptq(
            VectorMetric.Identity(scalar.Columns, 1), scalar.Objective.Factor(s_gptq.Order, s_gptq.Damping))
            .Solve(layout, scalar.Weights, codebook);
        // A weight that lies half-way to the last bit may go either way, and its row with it.
        int same = Enumerable.Range(0, scalar.Rows)
            .Count(row => expected.Codes.AsSpan(row * scalar.Columns, scalar.Columns)
            .SequenceEqual(solution.Codes.AsSpan(row * scalar.Columns, scalar.Columns)));
        Assert.InRange(same, scalar.Rows - 1, scalar.Rows);
    }

    [Theory]
    [InlineData(1, 3)]
    [InlineData(2, 2)]
    [InlineData(4, 2)]
    public void WithADiagonalGramMatrixNothingIsCarriedOver(int dimension, int bits)
    {
        MatrixProblem problem = Problem(RealLayers.Names[4], dimension, bits, Granularity.Group(64),
            GptqTests.Diagonal(256, identity: true));
        var layout = (VectorLayout)problem.Layout;
        VectorSolution nearest = new VectorGptq(VectorMetric.Identity(layout.Columns, dimension), null).Solve(layout, problem.Weights);
        VectorSolution solution = new VectorGptq(
            VectorMetric.Of(problem.Objective, ColumnImportance.Inverse, Factor(problem), dimension), Factor(problem))
            .Solve(layout, problem.Weights);
        Assert.Equal(nearest.Entries, solution.Entries);
        Assert.Equal(nearest.Codes, solution.Codes);
        CheckNearest(nearest, problem.Weights);
    }

    [Theory]
    [InlineData(1, 3, 0, 1.0)]
    [InlineData(2, 2, 0, 1.0)]
    [InlineData(2, 3, 32, 1.0)]
    [InlineData(4, 2, 0, 1.0)]
    [InlineData(1, 2, 0, 0.5)]
    [InlineData(1, 4, 32, 0.5)]
    public void EachStepLowersTheObjective(int dimension, int bits, int block, double rank)
    {
        foreach (string name in RealLayers.Names.Skip(2))
        {
            MatrixProblem problem = Problem(name, dimension, bits, Granularity.Group(64), block: block, rank: rank);
            VectorSolution solution = Solved(problem);
            if (rank < 1)
                CodebookProduct.Apply(solution);
            double[] before = Rows(problem, solution);
            CodebookUpdate.Improve(problem, solution, 25);
            double[] updated = Rows(problem, solution);
            var layout = (VectorLayout)problem.Layout;
            for (int first = 0; first < layout.Rows && rank == 1; first += layout.BookRows)
            {
                int count = Math.Min(layout.BookRows, layout.Rows - first);
                Assert.True(updated.Skip(first).Take(count).Sum() <= before.Skip(first).Take(count).Sum());
            }
            Assert.True(updated.Sum() < before.Sum(), $"{name}: {updated.Sum()} after {before.Sum()}");
            Assert.True(VectorDescent.Improve(problem, solution, 3) > 0);
            double[] descended = Rows(problem, solution);
            for (int row = 0; row < descended.Length; row++)
                Assert.True(descended[row] <= updated[row] * (1 + 1e-9));
            Assert.True(descended.Sum() < 0.99 * updated.Sum(), $"{name}: {descended.Sum()} after {updated.Sum()}");
            CheckPacked(problem, solution);
        }
    }

    [Fact]
    public void TheSignalToNoiseRatioRisesWithTheDimension()
    {
        foreach (string name in RealLayers.Names)
        {
            double last = 0;
            foreach (int dimension in (int[])[1, 2, 4])
            {
                MatrixProblem problem = Problem(name, dimension, 2, Granularity.Group(32));
                var layout = (VectorLayout)problem.Layout;
                float[] quantized = new VectorGptq(VectorMetric.Identity(layout.Columns, dimension), null).Solve(layout, problem.Weights)
                    .Decode();
                double error = problem.Weights.Zip(quantized, (a, b) => Math.Pow(a - b, 2)).Sum(),
                    ratio = -10 * Math.Log10(error / problem.Weights.Sum(a => (double)a * a));
                Assert.True(ratio > last, $"{name}: {ratio} dB with {dimension}, {last} before");
                last = ratio;
            }
        }
    }

    [Theory]
    [InlineData("gptvq", 2)]
    [InlineData("gptvq", 3)]
    [InlineData("gptvq-1d", 3)]
    [InlineData("gptvq-4d", 2)]
    public void ItIsBetterThanGptqAtTheSameSize(string recipe, int bits)
    {
        foreach (string name in RealLayers.Names.Skip(2))
        {
            MatrixProblem problem = Problem(name, recipe, bits, Granularity.Group(64));
            MatrixProblem scalar = RealLayers.Problem(name, "gptq", bits, Granularity.Group(64));
            MatrixReport result = Solve(problem, RecipeCatalogue.Find(recipe)).Report;
            Assert.True(result.Objective < new StepRun(RecipeCatalogue.Find("gptq").Solver).Solve(scalar).Objective, name);
            Assert.True(result.Objective < result.Nearest);
            Assert.InRange(8.0 * (problem.Layout.StoredBytes - scalar.Scalar.StoredBytes) / problem.Weights.Length, -1, 0.05);
            Assert.Null(result.Fallback);
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 5)]
    [InlineData(17, 33)]
    [InlineData(40, 70)]
    public void AwkwardMatricesAreSolved(int rows, int columns)
    {
        foreach (int dimension in (int[])[1, 2, 4])
        {
            foreach (float[] weights in (float[][])[new float[rows * columns], [.. Enumerable.Repeat(-0.5f, rows * columns)],
                Gaussian(rows * columns, 1), [.. Gaussian(rows * columns, 2).Select((w, i) => i == 0 ? 1 : w * 1e-6f)]])
            {
                float[] inputs = Gaussian(2 * columns * columns, 3);
                var gram = new double[columns * columns];
                // The first channel is dead.
                for (int i = 1; i < columns; i++)
                {
                    for (int j = 1; j < columns; j++)
                        gram[i * columns + j] = Enumerable.Range(0, 2 * columns)
                            .Sum(n => (double)inputs[n * columns + i] * inputs[n * columns + j]);
                }
                Recipe recipe = RecipeCatalogue.Find("gptvq-descent");
                PackedLayout layout = new VectorGridSpec { Dimension = dimension, BlockColumns = 16 }
                    .LayoutOf(rows, columns, 2, Granularity.Group(64));
                foreach (LayerObjective? objective in (LayerObjective?[])[null, new LayerObjective(gram, columns)])
                {
                    MatrixOutcome result = Solve(new MatrixProblem(layout, weights, 0, objective), recipe);
                    var row = new float[columns];
                    result.Matrix.DequantizeRow(rows - 1, row);
                    Assert.All(row, weight => Assert.True(float.IsFinite(weight)));
                    if (objective is not null)
                        Assert.InRange(result.Report.Objective, 0, Math.Max(result.Report.Nearest, 1e-12) * 1.02);
                    if (Array.TrueForAll(weights, weight => weight == -0.5f))
                        Assert.All(row, weight => Assert.Equal(-0.5, weight, 1e-3));
                    if (Array.TrueForAll(weights, weight => weight == 0))
                        Assert.All(row, weight => Assert.Equal(0, weight));
                }
            }
        }
    }

    [Fact]
    public void WithoutDataItSaysSo()
    {
        MatrixProblem problem = Problem(RealLayers.Names[4], "gptvq", 2, Granularity.Group(64),
            new LayerObjective(new double[256 * 256], 256));
        MatrixOutcome result = Solve(problem, RecipeCatalogue.Find("gptvq"));
        Assert.Equal(Fallback.NoData, result.Report.Fallback);
        MatrixOutcome nearest = Solve(new MatrixProblem(problem.Layout, problem.Weights), RecipeCatalogue.Find("gptvq"));
        Assert.Equal(nearest.Matrix.ArrayBytes().Select(array => array.ToArray()),
            result.Matrix.ArrayBytes().Select(array => array.ToArray()));
    }

    [Fact]
    public void MoreThanEightBitsOfIndexAreRefused()
    {
        foreach ((string recipe, int bits) in ((string, int)[])[("gptvq", 5), ("gptvq-4d", 3)])
        {
            using var opened = Model.Open(SharedData.Quill);
            string message = Assert.Throws<ArgumentException>(
                () => QuantizationPlan.Create(opened,
                new QuantizationOptions { Recipe = RecipeCatalogue.Find(recipe), Bits = bits })).Message;
            Assert.Contains($"at most {RecipeCatalogue.Find(recipe).MostBits} bits", message, StringComparison.Ordinal);
            Assert.Contains(recipe, message, StringComparison.Ordinal);
        }
    }
}
