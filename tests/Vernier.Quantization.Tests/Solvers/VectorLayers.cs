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

namespace Vernier.Tests.Solvers;

/// <summary>Layers on grids of vectors, and what is checked of their solutions.</summary>
internal static class VectorLayers
{
    public static MatrixProblem Problem(string name, string recipe, int bits, Granularity granularity, LayerObjective? objective = null) =>
        Problem(name, (VectorGridSpec)RecipeCatalogue.Find(recipe).Grid, bits, granularity, objective);

    public static MatrixProblem Problem(string name, int dimension, int bits, Granularity granularity, LayerObjective? objective = null,
        int block = 0, double rank = 1) =>
        Problem(name, new VectorGridSpec { Dimension = dimension, BlockColumns = block, Rank = rank }, bits, granularity, objective);

    public static MatrixProblem Problem(string name, VectorGridSpec grid, int bits, Granularity granularity, LayerObjective? objective)
    {
        MatrixProblem scalar = RealLayers.Problem(name, "rtn", 4, granularity);
        return scalar.With(grid.LayoutOf(scalar.Rows, scalar.Columns, bits, granularity), objective);
    }

    public static GramFactor Factor(MatrixProblem problem) => problem.Objective.Factor(ColumnOrder.Natural, GramFactor.DefaultDamping)!;

    public static MatrixOutcome Solve(MatrixProblem problem, Recipe recipe) => new MatrixSolver(recipe.Solver).Solve(problem);

    public static VectorSolution Solved(MatrixProblem problem)
    {
        var layout = (VectorLayout)problem.Layout;
        return new VectorGptq(VectorMetric.Of(problem.Objective, ColumnImportance.Inverse, Factor(problem), layout.Dimension),
            Factor(problem)).Solve(layout, problem.Weights);
    }

    public static double[] Rows(MatrixProblem problem, VectorSolution solution) =>
        problem.Objective.RowValues(problem.Weights, solution.Decode());

    public static double Norm(double[] values) => Math.Sqrt(values.Sum(value => value * value));

    public static float[] Gaussian(int count, int seed) => TinyModel.Gaussian(count, seed, 0.3);

    /// <summary>Every vector has the entry that is nearest to it.</summary>
    public static void CheckNearest(VectorSolution solution, float[] weights)
    {
        VectorLayout layout = solution.Layout;
        var numbers = new float[solution.BookLength];
        for (int row = 0; row < layout.Rows; row += 7)
        {
            for (int vector = 0; vector < layout.Vectors; vector++)
            {
                int d = layout.Dimension, at = row * layout.Columns + vector * d;
                solution.Read(layout.BookOf(row, vector * d), numbers);
                double own = Distance(solution.Codes[row * layout.Vectors + vector]),
                    least = Enumerable.Range(0, layout.Entries).Min(Distance);
                Assert.Equal(least, own, 1e-6);

                double Distance(int entry) => Enumerable.Range(0, d).Sum(i => Math.Pow(weights[at + i] - numbers[entry * d + i], 2));
            }
        }
    }

    /// <summary>What was solved is what is packed, to the bit.</summary>
    public static void CheckPacked(MatrixProblem problem, VectorSolution solution)
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
