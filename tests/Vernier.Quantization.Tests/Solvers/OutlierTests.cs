using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Outliers;

namespace Vernier.Tests.Solvers;

/// <summary>Outliers found together with the codes.</summary>
public class OutlierTests
{
    private static readonly SolverStep[] s_dense = [new() { Method = SolverMethod.Gptq }, new() { Method = SolverMethod.Quantease, Sweeps = 5 }];

    [Theory]
    [InlineData(3, 64, 150, 0)]
    [InlineData(2, 0, 655, 0)]
    [InlineData(3, 64, 0, 5)]
    public void TheObjectiveNeverRisesAndThereAreAsManyAsPromised(int bits, int group, int single, int whole)
    {
        foreach (string name in RealLayers.Names[..2])
        {
            LayerProblem problem = Problem(name, bits, group, single, whole);
            OutlierSet set = OutlierSet.Largest(problem, problem.Weights);
            set.Take(problem.Weights);
            LayerSolution solution = new LayerSolver(s_dense).Solve(problem).Solution;
            solution.Outliers = null;
            double first = Value(problem, solution, set), least = first;
            for (int round = 0; round < 4; round++)
            {
                set = OutlierSolver.Improve(problem, set, solution, 1);
                double value = Value(problem, solution, set);
                Assert.True(value <= least, $"{name}, round {round}: {value} after {least}");
                Assert.Equal(problem.Spec.OutlierValues, set.Places.Length);
                Assert.Equal(set.Places.Length, set.Places.ToArray().Distinct().Count());
                if (whole > 0)
                    Assert.Equal(whole, set.Places.ToArray().Select(place => place % problem.Columns).Distinct().Count());
                least = value;
            }
            Assert.True(least < 0.998 * first, $"{name}: {least} after {first}");
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(2)]
    public void OutliersHelpOnEveryLayerAndWhatIsPackedIsWhatWasSolved(int bits)
    {
        foreach (string name in RealLayers.Names)
        {
            LayerProblem plain = Problem(name, bits, 64, 0, 0), problem = Problem(name, bits, 64, plain.Rows * plain.Columns / 100, 0);
            double without = new LayerSolver(s_dense).Solve(plain).Objective;
            LayerResult result = new LayerSolver([.. s_dense, new() { Method = SolverMethod.Outliers, Sweeps = 4 }]).Solve(problem);
            Assert.True(result.Objective < 0.95 * without, $"{name}: {result.Objective} against {without}");
            ScalarMatrix packed = result.Solution.Pack(-3);
            float[] decoded = result.Solution.Decode(), row = new float[problem.Columns];
            for (int r = 0; r < problem.Rows; r++)
            {
                packed.DequantizeRow(r, row);
                for (int i = 0; i < row.Length; i++)
                    Assert.Equal(MathF.ScaleB(decoded[r * row.Length + i], -3), row[i]);
            }
        }
    }

    [Fact]
    public void TheLargestAreFoundAndOfEqualsTheFirst()
    {
        LayerProblem problem = Problem(RealLayers.Names[0], 3, 64, 4, 0);
        var numbers = new float[problem.Weights.Length];
        foreach (int place in (int[])[9, 5, 700, 3000])
            numbers[place] = place == 5 ? -2 : 1;
        numbers[4] = 0.5f;
        Assert.Equal([5, 9, 700, 3000], OutlierSet.Largest(problem, numbers).Places.ToArray());
        numbers[3001] = 1;
        Assert.Equal([5, 9, 700, 3000], OutlierSet.Largest(problem, numbers).Places.ToArray());
        OutlierSet columns = OutlierSet.Largest(Problem(RealLayers.Names[0], 3, 64, 0, 2), numbers);
        Assert.Equal([5, 9], columns.Places[..2].ToArray());
        Assert.Equal([256 + 5, 256 + 9], columns.Places[2..4].ToArray());
    }

    private static double Value(LayerProblem whole, LayerSolution solution, OutlierSet set) => whole.Objective.Value(set.Remaining(whole).Weights, solution.Decode());

    private static LayerProblem Problem(string name, int bits, int group, int single, int whole)
    {
        LayerProblem problem = RealLayers.Problem(name, "rtn", bits, new Granularity(group));
        return new LayerProblem(problem.Spec with { Outliers = single, OutlierColumns = whole }, problem.Grids, problem.Fit, problem.Weights, problem.Objective, problem.Samples);
    }
}
