using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Gptq;
using Vernier.Quantization.Solvers.Outliers;
using Vernier.Quantization.Solvers.QuantEase;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Tests.Solvers;

/// <summary>Outliers found together with the codes.</summary>
public class OutlierTests
{
    private static readonly SolverStep[] s_dense = [new GptqStep(), new QuantEaseStep { Sweeps = 5 }];

    [Theory]
    [InlineData(3, 64, 150, 0)]
    [InlineData(2, 0, 655, 0)]
    [InlineData(3, 64, 0, 5)]
    public void TheObjectiveNeverRisesAndThereAreAsManyAsPromised(int bits, int group, int single, int whole)
    {
        foreach (string name in RealLayers.Names[..2])
        {
            MatrixProblem problem = Problem(name, bits, group, single, whole);
            OutlierSet set = OutlierSet.Largest(problem, problem.Weights);
            set.Take(problem.Weights);
            ScalarSolution solution = new StepRun(s_dense).Solve(problem).Solution;
            double first = Value(problem, solution, set), least = first;
            for (int round = 0; round < 4; round++)
            {
                set = OutlierSolver.Improve(problem, set, solution, 1);
                double value = Value(problem, solution, set);
                Assert.True(value <= least, $"{name}, round {round}: {value} after {least}");
                Assert.Equal(problem.Scalar.OutlierValues, set.Places.Length);
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
            MatrixProblem plain = Problem(name, bits, 64, 0, 0), problem = Problem(name, bits, 64, plain.Rows * plain.Columns / 100, 0);
            double without = new StepRun(s_dense).Solve(plain).Objective;
            SteppedLayer result = new StepRun([.. s_dense, new OutliersStep { Sweeps = 4 }]).Solve(problem);
            Assert.True(result.Objective < 0.95 * without, $"{name}: {result.Objective} against {without}");
            var packed = (ScalarMatrix)result.State.Solution.Pack(-3, result.State.Outliers!.Pack(-3));
            float[] decoded = result.State.Decode(result.Solution), row = new float[problem.Columns];
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
        MatrixProblem problem = Problem(RealLayers.Names[0], 3, 64, 4, 0);
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

    private static double Value(MatrixProblem whole, ScalarSolution solution, OutlierSet set) =>
        whole.Objective.Value(set.Remaining(whole).Weights, solution.Decode());

    private static MatrixProblem Problem(string name, int bits, int group, int single, int whole)
    {
        MatrixProblem problem = RealLayers.Problem(name, "rtn", bits, new Granularity(group));
        return problem.With(problem.Scalar with { Outliers = single, OutlierColumns = whole });
    }
}
