using System.Numerics.Tensors;
using Vernier.Grids;
using Vernier.Levels;
using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Dmmv;
using Vernier.Quantization.Solvers.Gptq;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Tests.Solvers;

/// <summary>The local search for the least maximum violation.</summary>
public class MaxViolationTests
{
    private const int Binaries = 10;
    private const int Inputs = 40;

    [Theory]
    [InlineData(3)]
    [InlineData(2)]
    public void TheGreatestViolationNeverRisesAndFallsWell(int bits)
    {
        foreach (string name in RealLayers.Names[..3])
        {
            MatrixProblem problem = RealLayers.Problem(name, "rtn", bits, Granularity.Group(64));
            ScalarSolution solution = new StepRun([new GptqStep()]).Solve(problem).Solution;
            float[] first = Greatest(problem, solution), before = first;
            double squares = problem.Relative(solution);
            while (MaxViolationSolver.Improve(problem, solution, 3) > 0)
            {
                // Recomputed from the codes: the bookkeeping of the search would show where it went astray.
                float[] after = Greatest(problem, solution);
                for (int row = 0; row < after.Length; row++)
                    Assert.True(after[row] <= before[row] * (1 + 1e-4f), $"{name}, row {row}: {after[row]} after {before[row]}");
                before = after;
            }
            Assert.True(before.Average() < 0.9 * first.Average(), $"{name}: {before.Average()} after {first.Average()}");
            // What it costs: the squared error rises.
            Assert.True(problem.Relative(solution) > squares);
        }
    }

    [Fact]
    public void OnSmallProblemsItComesNearTheBestThereIs()
    {
        var random = new Random(5);
        double found = 0, best = 0, nearest = 0;
        for (int trial = 0; trial < 40; trial++)
        {
            MatrixProblem problem = Binary(random);
            ScalarSolution solution = ScalarSolution.Nearest(problem, []);
            solution.Scales[0] = (Half)1;
            for (int j = 0; j < Binaries; j++)
                solution.Codes[j] = (byte)(problem.Weights[j] >= 0 ? 1 : 0);
            float start = Greatest(problem, solution)[0], least = BruteForce(problem, solution);
            MaxViolationSolver.Improve(problem, solution, 100);
            float after = Greatest(problem, solution)[0];
            Assert.InRange(after, least * 0.9999f, start * 1.0001f);
            AssertNoSingleMoveHelps(problem, solution, after);
            (found, best, nearest) = (found + after, best + least, nearest + start);
        }
        Assert.True(found < best + 0.6 * (nearest - best), $"{found} between {best} and {nearest}");
    }

    [Fact]
    public void WithoutInputsNothingMoves()
    {
        MatrixProblem problem = RealLayers.Problem(RealLayers.Names[0], "rtn", 3, Granularity.Group(64));
        var blind = new MatrixProblem(problem.Layout, problem.Weights, 0, problem.Objective) { Tables = problem.Tables, Fit = problem.Fit };
        Assert.Equal(0, MaxViolationSolver.Improve(blind, ScalarSolution.Nearest(blind, []), 10));
    }

    private static float[] Greatest(MatrixProblem problem, ScalarSolution solution)
    {
        float[] violations = MaxViolationSolver.Violations(problem, solution);
        int samples = violations.Length / problem.Rows;
        return [.. Enumerable.Range(0, problem.Rows)
            .Select(row => Math.Abs(TensorPrimitives.MaxMagnitude<float>(violations.AsSpan(row * samples, samples))))];
    }

    /// <summary>One row of weights that may be -1 or +1.</summary>
    private static MatrixProblem Binary(Random random)
    {
        var spec = new ScalarLayout(1, Binaries, 2, Granularity.Channel, 1, 1, false, false);
        LevelTable table = new(2, [-1, 1], 1, 1);
        float[] weights = [.. Enumerable.Range(0, Binaries).Select(_ => (float)(2 * random.NextDouble() - 1))];
        float[] samples = [.. Enumerable.Range(0, Binaries * Inputs).Select(_ => (float)(2 * random.NextDouble() - 1))];
        var gram = new double[Binaries * Binaries];
        for (int i = 0; i < Binaries; i++)
            gram[i * (Binaries + 1)] = 1;
        return new MatrixProblem(spec, weights, 0, new LayerObjective(gram, Binaries)) {
            Tables = [table], Fit = new LargestScale(mirror: false), Samples = samples };
    }

    private static float BruteForce(MatrixProblem problem, ScalarSolution start)
    {
        ScalarSolution solution = start.Copy();
        float least = float.PositiveInfinity;
        for (int bits = 0; bits < 1 << Binaries; bits++)
        {
            for (int j = 0; j < Binaries; j++)
                solution.Codes[j] = (byte)((bits >> j) & 1);
            least = Math.Min(least, Greatest(problem, solution)[0]);
        }
        return least;
    }

    private static void AssertNoSingleMoveHelps(MatrixProblem problem, ScalarSolution solution, float greatest)
    {
        for (int j = 0; j < Binaries; j++)
        {
            ScalarSolution other = solution.Copy();
            other.Codes[j] ^= 1;
            Assert.True(Greatest(problem, other)[0] >= greatest * 0.9999f);
        }
    }
}
