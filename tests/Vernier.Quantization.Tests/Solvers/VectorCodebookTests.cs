using Vernier.Files.Checkpoints;
using Vernier.Grids;
using Vernier.Grids.Uniform;
using Vernier.Grids.Vectors;
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

/// <summary>The codebooks of vectors: how they are fitted, improved and laid out.</summary>
public class VectorCodebookTests
{
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
            VectorMetric metric = VectorMetric.Of(objective, importance, objective.Factor(ColumnOrder.Natural, GramFactor.DefaultDamping),
                dimension);
            float[] points = weights[..(64 * objective.Columns)],
                counts = [.. Enumerable.Range(0, points.Length / dimension).Select(i => 0.5f + i % 3)];
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
        double[] found = LeastSquares.Minimise(map, new FreeCodebooks(solution.Entries.Length, bands), CodebookProduct.Numbers(solution),
            400);
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

    [Fact]
    public void CodebooksKeepToTheirBudgetAndToThePanelsOfKernels()
    {
        foreach ((int rows, int columns) in ((int, int)[])[(128, 256), (256, 768), (2048, 5632), (5632, 2048), (11008, 4096), (100, 100),
            (16, 32)])
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
                        Assert.True(layout.BlockColumns == layout.BookColumns || layout.BlockColumns == 0
                            || layout.BookColumns % layout.BlockColumns == 0);
                        double bits = 8.0 * layout.Books * (layout.Entries * layout.Dimension) / ((double)rows * columns),
                            budget = group > 0 ? 16.0 / group : group == 0 ? 16.0 / columns : 0;
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
            square[i] = Enumerable.Range(0, 40).Sum(k =>
                (double)data[k * N + i / N] * data[k * N + i % N] * (1 + i / N % 3) * (1 + i % N % 3));
        double[] vectors = CodebookProduct.LeadingVectors(square, N, Rank);
        double last = double.PositiveInfinity;
        for (int r = 0; r < Rank; r++)
        {
            double[] v = vectors[(r * N)..((r + 1) * N)],
                image = [.. Enumerable.Range(0, N).Select(i => Enumerable.Range(0, N).Sum(j => square[i * N + j] * v[j]))];
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
}
