using Vernier.Packing;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Gptq;
using Vernier.Quantization.Solvers.QuantEase;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Tests.Solvers;

/// <summary>Coordinate descent on codes, and the refinement of scales: what they promise of the layer objective.</summary>
public class DescentTests
{
    private static readonly GptqStep s_gptq = new GptqStep();
    private static readonly QuantEaseStep s_descent = new QuantEaseStep();

    [Theory]
    [InlineData("rtn", 4, 64)]
    [InlineData("rtn-asymmetric", 3, 64)]
    [InlineData("nupes-datafree", 2, 0)]
    [InlineData("powerquant", 3, -1)]
    public void TheObjectiveFallsFromSweepToSweepToAFixedPoint(string recipe, int bits, int group)
    {
        MatrixProblem problem = RealLayers.Problem(RealLayers.Names[1], recipe, bits, new Granularity(group));
        ScalarSolution solution = ScalarSolution.Nearest(problem, []);
        double[] before = problem.Objective.RowValues(problem.Weights, solution.Decode());
        for (int sweep = 0; sweep < 200; sweep++)
        {
            long changes = QuantEaseSolver.Improve(problem, solution, 1);
            double[] after = problem.Objective.RowValues(problem.Weights, solution.Decode());
            for (int row = 0; row < before.Length; row++)
                Assert.True(after[row] <= before[row] * (1 + 1e-9), $"sweep {sweep}, row {row}: {after[row]} after {before[row]}");
            if (changes == 0)
            {
                Assert.Equal(before, after);
                AssertNoSingleCodeHelps(problem, solution, 3);
                return;
            }
            before = after;
        }
        Assert.Fail("no fixed point in 200 sweeps");
    }

    [Theory]
    [InlineData("rtn", 4)]
    [InlineData("rtn", 2)]
    [InlineData("nupes-datafree", 3)]
    public void AfterGptqItOnlyImproves(string recipe, int bits)
    {
        foreach (string name in RealLayers.Names)
        {
            MatrixProblem problem = RealLayers.Problem(name, recipe, bits, Granularity.Group(64));
            double gptq = new StepRun([s_gptq]).Solve(problem).Objective, both = new StepRun([s_gptq, s_descent]).Solve(problem).Objective;
            double refit = new StepRun([s_gptq, s_descent with { RefitScales = true }]).Solve(problem).Objective;
            Assert.True(both < gptq, $"{name}: {both} after {gptq}");
            Assert.True(refit < both, $"{name}: {refit} with refitted scales, {both} without");
        }
    }

    [Theory]
    [InlineData("rtn", 64)]
    [InlineData("rtn", 0)]
    [InlineData("rtn-asymmetric", 50)]
    [InlineData("nupes-datafree", 64)]
    [InlineData("rtn-mirrored", -1)]
    public void RefinedScalesAreTheBestOfTheirNeighbours(string recipe, int group)
    {
        MatrixProblem problem = RealLayers.Problem(RealLayers.Names[5], recipe, 3, new Granularity(group));
        ScalarSolution solution = ScalarSolution.Nearest(problem, []);
        double before = problem.Relative(solution);
        Assert.True(ScaleRefinement.Improve(problem, solution) > 0);
        double after = problem.Relative(solution);
        Assert.True(after < before);
        Assert.Equal(0, ScaleRefinement.Improve(problem, solution));
        foreach (int index in (int[])[0, solution.Scales.Length / 2, solution.Scales.Length - 1])
        {
            foreach (int step in (int[])[-problem.Scalar.Tables, problem.Scalar.Tables])
            {
                ScalarSolution other = solution.Copy();
                other.Scales[index] = BitConverter.UInt16BitsToHalf((ushort)(BitConverter.HalfToUInt16Bits(other.Scales[index]) + step));
                Assert.True(problem.Relative(other) >= after * (1 - 1e-9));
            }
        }
    }

    /// <summary>Tries every other code of every column of some rows.</summary>
    private static void AssertNoSingleCodeHelps(MatrixProblem problem, ScalarSolution solution, int rows)
    {
        int columns = problem.Columns;
        float[] quantized = solution.Decode();
        var gradient = new double[quantized.Length];
        problem.Objective.Gradient(problem.Weights, quantized, gradient);
        for (int i = 0; i < rows * columns; i++)
        {
            GranuleGrid grid = solution.Grid(i / columns, i % columns / solution.Width);
            for (int code = 0; code < problem.TablesOf(0)[0].Levels.Length; code++)
            {
                double move = grid.Decode(code) - quantized[i],
                    change = move * gradient[i] + move * move * problem.Objective.Diagonal[i % columns];
                Assert.True(change >= -1e-9 * problem.Objective.MeanDiagonal, $"code {code} at {i} lowers the objective by {-change}");
            }
        }
    }
}
