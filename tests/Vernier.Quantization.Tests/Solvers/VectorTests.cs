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

namespace Vernier.Tests.Solvers;

/// <summary>The invariants of GPTVQ, on real layers and on awkward matrices.</summary>
public class VectorTests
{
    private static readonly GptqStep s_gptq = new GptqStep();

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
        VectorSolution solution = new VectorGptq(VectorMetric.Identity(scalar.Columns, 1), scalar.Objective.Factor(s_gptq.Order, s_gptq.Damping)).Solve(layout, scalar.Weights, codebook);
        // A weight that lies half-way to the last bit may go either way, and its row with it.
        int same = Enumerable.Range(0, scalar.Rows).Count(row => expected.Codes.AsSpan(row * scalar.Columns, scalar.Columns).SequenceEqual(solution.Codes.AsSpan(row * scalar.Columns, scalar.Columns)));
        Assert.InRange(same, scalar.Rows - 1, scalar.Rows);
    }

    [Theory]
    [InlineData(1, 3)]
    [InlineData(2, 2)]
    [InlineData(4, 2)]
    public void WithADiagonalGramMatrixNothingIsCarriedOver(int dimension, int bits)
    {
        MatrixProblem problem = Problem(RealLayers.Names[4], dimension, bits, Granularity.Group(64), GptqTests.Diagonal(256, identity: true));
        var layout = (VectorLayout)problem.Layout;
        VectorSolution nearest = new VectorGptq(VectorMetric.Identity(layout.Columns, dimension), null).Solve(layout, problem.Weights);
        VectorSolution solution = new VectorGptq(VectorMetric.Of(problem.Objective, ColumnImportance.Inverse, Factor(problem), dimension), Factor(problem)).Solve(layout, problem.Weights);
        Assert.Equal(nearest.Entries, solution.Entries);
        Assert.Equal(nearest.Codes, solution.Codes);
        CheckNearest(nearest, problem.Weights);
    }

    [Theory]
    [InlineData(1, 16, ColumnImportance.None)]
    [InlineData(2, 16, ColumnImportance.Inverse)]
    [InlineData(2, 64, ColumnImportance.Sequential)]
    [InlineData(4, 256, ColumnImportance.Sequential)]
    public void ExpectationAndMaximisationNeverRaiseTheObjective(int dimension, int entries, ColumnImportance importance)
    {
        foreach (string name in RealLayers.Names)
        {
            LayerObjective objective = RealLayers.Objective(name);
            float[] weights = RealLayers.Problem(name, "rtn", 4, Granularity.Channel).Weights;
            VectorMetric metric = VectorMetric.Of(objective, importance, objective.Factor(s_gptq.Order, s_gptq.Damping), dimension);
            float[] points = weights[..(64 * objective.Columns)], counts = [.. Enumerable.Range(0, points.Length / dimension).Select(i => 0.5f + i % 3)];
            var fit = new CodebookFit(points, counts, metric, 0, objective.Columns / dimension, entries, dimension);
            fit.Seed();
            double first = fit.Assign(), last = first;
            for (int iteration = 0; iteration < 20; iteration++)
            {
                fit.Update();
                double now = fit.Assign();
                Assert.True(now <= last * (1 + 1e-5), $"{name}: {now} after {last}");
                last = now;
            }
            Assert.True(last < 0.95 * first, $"{name}: {last} from {first}");
        }
    }

    [Fact]
    public void TheSearchFindsTheNearestInTheMetric()
    {
        var random = new Random(1);
        foreach (int d in (int[])[1, 2, 4])
        {
            foreach (int entries in (int[])[4, 16, 256])
            {
                float[] vectors = Gaussian(entries * d, 2), metric = new float[d * d], root = Gaussian(d * d, 3);
                for (int i = 0; i < d * d; i++)
                    metric[i] = Enumerable.Range(0, d).Sum(k => root[i / d * d + k] * root[i % d * d + k]);
                var nearest = new NearestVector(entries, d, 1);
                nearest.Take(vectors);
                nearest.Take(0, metric);
                float[] image = new float[d], x = new float[d];
                for (int trial = 0; trial < 200; trial++)
                {
                    for (int i = 0; i < d; i++)
                        x[i] = (float)(4 * random.NextDouble() - 2);
                    CodebookFit.Multiply(metric, x, image);
                    double least = Enumerable.Range(0, entries).Min(Distance), found = Distance(nearest.Find(image, 0, out _));
                    Assert.Equal(least, found, 1e-4 * (1 + least));
                }

                double Distance(int entry)
                {
                    double sum = 0;
                    for (int i = 0; i < d; i++)
                    {
                        for (int j = 0; j < d; j++)
                            sum += (double)metric[i * d + j] * (x[i] - vectors[entry * d + i]) * (x[j] - vectors[entry * d + j]);
                    }
                    return sum;
                }
            }
        }
    }

    [Fact]
    public void CodebooksAreThoseOfTheNormalEquations()
    {
        MatrixProblem problem = Problem(RealLayers.Names[4], 2, 2, Granularity.Group(64));
        VectorSolution solution = Solved(problem);
        var layout = (VectorLayout)problem.Layout;
        int bands = layout.Books / layout.BooksAcross;
        CodebookMap map = CodebookUpdate.MapOf(problem, solution);
        double[] found = LeastSquares.Minimise(map, new FreeCodebooks(solution.Entries.Length, bands), CodebookProduct.Numbers(solution), 400);
        double[] left = map.Gather(map.Residual(found)), right = map.Gather(map.Residual(new double[found.Length]));
        Assert.True(Norm(left) < 1e-3 * Norm(right), $"{Norm(left)} of {Norm(right)}");

        // The first band as a dense system.
        int count = layout.BooksAcross * solution.BookLength;
        double[] matrix = new double[count * count], vector = right[..count], unit = new double[found.Length];
        double[] used = map.Curvature();
        for (int i = 0; i < count; i++)
        {
            unit[i] = 1;
            map.Gather(map.Image(unit)).AsSpan(0, count).CopyTo(matrix.AsSpan(i * count));
            unit[i] = 0;
            matrix[i * count + i] += used[i] == 0 ? 1 : 1e-9 * used[i];
        }
        Assert.True(Cholesky.TryFactor(new MatrixSpan<double>(matrix, count, count), out _, Workers.Shared));
        Cholesky.Solve(new ReadOnlyMatrixSpan<double>(matrix, count, count), new MatrixSpan<double>(vector, count, 1), Workers.Shared);
        double[] start = CodebookProduct.Numbers(solution);
        double difference = 0, size = 0;
        for (int i = 0; i < count; i++)
        {
            double expected = used[i] == 0 ? start[i] : vector[i];
            (difference, size) = (difference + used[i] * Math.Pow(found[i] - expected, 2), size + used[i] * expected * expected);
        }
        Assert.True(difference < 1e-4 * size, $"{difference} of {size}");
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
                float[] quantized = new VectorGptq(VectorMetric.Identity(layout.Columns, dimension), null).Solve(layout, problem.Weights).Decode();
                double error = problem.Weights.Zip(quantized, (a, b) => Math.Pow(a - b, 2)).Sum(), ratio = -10 * Math.Log10(error / problem.Weights.Sum(a => (double)a * a));
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
            foreach (float[] weights in (float[][])[new float[rows * columns], [.. Enumerable.Repeat(-0.5f, rows * columns)], Gaussian(rows * columns, 1), [.. Gaussian(rows * columns, 2).Select((w, i) => i == 0 ? 1 : w * 1e-6f)]])
            {
                float[] inputs = Gaussian(2 * columns * columns, 3);
                var gram = new double[columns * columns];
                // The first channel is dead.
                for (int i = 1; i < columns; i++)
                {
                    for (int j = 1; j < columns; j++)
                        gram[i * columns + j] = Enumerable.Range(0, 2 * columns).Sum(n => (double)inputs[n * columns + i] * inputs[n * columns + j]);
                }
                Recipe recipe = RecipeCatalogue.Find("gptvq-descent");
                PackedLayout layout = new VectorGridSpec { Dimension = dimension, BlockColumns = 16 }.LayoutOf(rows, columns, 2, Granularity.Group(64));
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
        MatrixProblem problem = Problem(RealLayers.Names[4], "gptvq", 2, Granularity.Group(64), new LayerObjective(new double[256 * 256], 256));
        MatrixOutcome result = Solve(problem, RecipeCatalogue.Find("gptvq"));
        Assert.Equal(Fallback.NoData, result.Report.Fallback);
        MatrixOutcome nearest = Solve(new MatrixProblem(problem.Layout, problem.Weights), RecipeCatalogue.Find("gptvq"));
        Assert.Equal(nearest.Matrix.ArrayBytes().Select(array => array.ToArray()), result.Matrix.ArrayBytes().Select(array => array.ToArray()));
    }

    [Fact]
    public void MoreThanEightBitsOfIndexAreRefused()
    {
        foreach ((string recipe, int bits) in ((string, int)[])[("gptvq", 5), ("gptvq-4d", 3)])
        {
            using var opened = Model.Open(SharedData.Quill);
            string message = Assert.Throws<ArgumentException>(() => QuantizationPlan.Create(opened, new QuantizationOptions { Recipe = RecipeCatalogue.Find(recipe), Bits = bits })).Message;
            Assert.Contains($"at most {RecipeCatalogue.Find(recipe).MostBits} bits", message, StringComparison.Ordinal);
            Assert.Contains(recipe, message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void CodebooksKeepToTheirBudgetAndToThePanelsOfKernels()
    {
        foreach ((int rows, int columns) in ((int, int)[])[(128, 256), (256, 768), (2048, 5632), (5632, 2048), (11008, 4096), (100, 100), (16, 32)])
        {
            foreach (string recipe in (string[])["gptvq", "gptvq-1d", "gptvq-4d"])
            {
                foreach (int group in (int[])[16, 64, 100, 128, 0, -1])
                {
                    foreach (int block in (int[])[0, 32, 64])
                    {
                        var grid = (VectorGridSpec)RecipeCatalogue.Find(recipe).Grid with { BlockColumns = block };
                        var layout = (VectorLayout)grid.LayoutOf(rows, columns, 2, new Granularity(group))!;
                        Assert.True(layout.BookRows == rows || layout.BookRows % 16 == 0);
                        Assert.True(layout.BookColumns == columns || layout.BookColumns % 32 == 0);
                        Assert.True(layout.BlockColumns == layout.BookColumns || layout.BlockColumns == 0 || layout.BookColumns % layout.BlockColumns == 0);
                        double bits = 8.0 * layout.Books * (layout.Entries * layout.Dimension) / ((double)rows * columns), budget = group > 0 ? 16.0 / group : group == 0 ? 16.0 / columns : 0;
                        Assert.True(layout.Books == 1 || bits <= budget, $"{layout}: {bits} of {budget}");
                    }
                }
            }
        }
    }

    [Fact]
    public void TheLeadingVectorsAreThoseOfTheLargestEigenvalues()
    {
        const int N = 24, Rank = 5;
        float[] data = Gaussian(40 * N, 1);
        var square = new double[N * N];
        for (int i = 0; i < N * N; i++)
            square[i] = Enumerable.Range(0, 40).Sum(k => (double)data[k * N + i / N] * data[k * N + i % N] * (1 + i / N % 3) * (1 + i % N % 3));
        double[] vectors = CodebookProduct.LeadingVectors(square, N, Rank);
        double last = double.PositiveInfinity;
        for (int r = 0; r < Rank; r++)
        {
            double[] v = vectors[(r * N)..((r + 1) * N)], image = [.. Enumerable.Range(0, N).Select(i => Enumerable.Range(0, N).Sum(j => square[i * N + j] * v[j]))];
            double value = v.Zip(image, (a, b) => a * b).Sum();
            Assert.Equal(1, Norm(v), 1e-9);
            Assert.True(Norm([.. image.Zip(v, (a, b) => a - value * b)]) < 1e-9 * value);
            Assert.True(value <= last);
            last = value;
        }
        double trace = Enumerable.Range(0, N).Sum(i => square[i * N + i]), found = 0;
        for (int r = 0; r < N; r++)
        {
            double[] v = CodebookProduct.LeadingVectors(square, N, N)[(r * N)..((r + 1) * N)];
            found += Enumerable.Range(0, N).Sum(i => Enumerable.Range(0, N).Sum(j => v[i] * square[i * N + j] * v[j]));
        }
        Assert.Equal(1, found / trace, 1e-9);
    }

    private static MatrixProblem Problem(string name, string recipe, int bits, Granularity granularity, LayerObjective? objective = null) =>
        Problem(name, (VectorGridSpec)RecipeCatalogue.Find(recipe).Grid, bits, granularity, objective);

    private static MatrixProblem Problem(string name, int dimension, int bits, Granularity granularity, LayerObjective? objective = null, int block = 0, double rank = 1) =>
        Problem(name, new VectorGridSpec { Dimension = dimension, BlockColumns = block, Rank = rank }, bits, granularity, objective);

    private static MatrixProblem Problem(string name, VectorGridSpec grid, int bits, Granularity granularity, LayerObjective? objective)
    {
        MatrixProblem scalar = RealLayers.Problem(name, "rtn", 4, granularity);
        return scalar.With(grid.LayoutOf(scalar.Rows, scalar.Columns, bits, granularity), objective);
    }

    private static GramFactor Factor(MatrixProblem problem) => problem.Objective.Factor(s_gptq.Order, s_gptq.Damping)!;

    private static MatrixOutcome Solve(MatrixProblem problem, Recipe recipe) => new MatrixSolver(recipe.Solver).Solve(problem);

    private static VectorSolution Solved(MatrixProblem problem)
    {
        var layout = (VectorLayout)problem.Layout;
        return new VectorGptq(VectorMetric.Of(problem.Objective, ColumnImportance.Inverse, Factor(problem), layout.Dimension), Factor(problem)).Solve(layout, problem.Weights);
    }

    private static double[] Rows(MatrixProblem problem, VectorSolution solution) => problem.Objective.RowValues(problem.Weights, solution.Decode());

    private static double Norm(double[] values) => Math.Sqrt(values.Sum(value => value * value));

    private static float[] Gaussian(int count, int seed) => TinyModel.Gaussian(count, seed, 0.3);

    /// <summary>Every vector has the entry that is nearest to it.</summary>
    private static void CheckNearest(VectorSolution solution, float[] weights)
    {
        VectorLayout layout = solution.Layout;
        var numbers = new float[solution.BookLength];
        for (int row = 0; row < layout.Rows; row += 7)
        {
            for (int vector = 0; vector < layout.Vectors; vector++)
            {
                int d = layout.Dimension, at = row * layout.Columns + vector * d;
                solution.Read(layout.BookOf(row, vector * d), numbers);
                double own = Distance(solution.Codes[row * layout.Vectors + vector]), least = Enumerable.Range(0, layout.Entries).Min(Distance);
                Assert.Equal(least, own, 1e-6);

                double Distance(int entry) => Enumerable.Range(0, d).Sum(i => Math.Pow(weights[at + i] - numbers[entry * d + i], 2));
            }
        }
    }

    /// <summary>What was solved is what is packed, to the bit.</summary>
    private static void CheckPacked(MatrixProblem problem, VectorSolution solution)
    {
        VectorMatrix packed = solution.Pack(3);
        Assert.Equal(problem.Layout.StoredBytes, packed.ArrayBytes().Sum(array => (long)array.Length));
        float[] decoded = solution.Decode(), row = new float[packed.Columns];
        for (int r = 0; r < packed.Rows; r++)
        {
            packed.DequantizeRow(r, row);
            for (int i = 0; i < row.Length; i++)
                Assert.Equal(8 * decoded[r * row.Length + i], row[i]);
        }
    }
}
