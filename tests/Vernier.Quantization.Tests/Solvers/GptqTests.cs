using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Gptq;
using Vernier.Quantization.Solvers.Scalar;
using Vernier.Quantization.Solvers.Sequential;

namespace Vernier.Tests.Solvers;

/// <summary>The invariants of GPTQ, on real layers and on codes.</summary>
public class GptqTests
{
    private static readonly GptqStep s_gptq = new GptqStep();

    private static readonly GptqStep s_activation = s_gptq with { Order = ColumnOrder.Activation, Groups = GroupFit.Static };

    [Theory]
    [InlineData("rtn", 4, 64)]
    [InlineData("rtn-mirrored", 3, 50)]
    [InlineData("rtn-asymmetric", 4, 64)]
    [InlineData("rtn-asymmetric", 2, 0)]
    [InlineData("gptq-power", 2, 64)]
    [InlineData("gptq-power", 4, 0)]
    [InlineData("powerquant", 3, 64)]
    [InlineData("rtn", 8, 0)]
    [InlineData("rtn", 4, -1)]
    public void WithADiagonalGramMatrixItIsRoundingToNearest(string recipe, int bits, int group)
    {
        foreach (bool identity in (bool[])[true, false])
        {
            MatrixProblem problem = RealLayers.Problem(RealLayers.Names[4], recipe, bits, new Granularity(group), Diagonal(256, identity));
            ScalarSolution nearest = ScalarSolution.Nearest(problem, []);
            foreach (GptqStep step in (GptqStep[])[s_gptq, s_gptq with { Groups = GroupFit.Static }, s_activation])
            {
                ScalarSolution solution = Solve(problem, step);
                Assert.Equal(nearest.Scales, solution.Scales);
                Assert.Equal(nearest.Codes, solution.Codes);
            }
        }
    }

    [Theory]
    [InlineData("rtn", 3, 64)]
    [InlineData("rtn", 4, 0)]
    [InlineData("nupes-datafree", 2, 50)]
    public void TheBlockSizeDoesNotChangeTheResult(string recipe, int bits, int group)
    {
        MatrixProblem problem = RealLayers.Problem(RealLayers.Names[3], recipe, bits, new Granularity(group));
        foreach (GptqStep step in (GptqStep[])[s_gptq, s_activation])
        {
            ScalarSolution expected = Solve(problem, step);
            foreach (int block in (int[])[1, 7, 64, 200, 100000])
            {
                ScalarSolution solution = Solve(problem, step, block);
                Assert.Equal(expected.Scales, solution.Scales);
                Assert.Equal(expected.Codes, solution.Codes);
            }
        }
    }

    [Theory]
    [InlineData(768, 64, 128)]
    [InlineData(768, 50, 128)]
    [InlineData(101, 200, 7)]
    [InlineData(768, 768, 128)]
    [InlineData(60, 7, 1)]
    public void BlocksEndWhereGroupsBegin(int columns, int width, int block)
    {
        int[] ends = SequentialSweep.Blocks(columns, width, block);
        Assert.Equal(columns, ends[^1]);
        int first = 0;
        foreach (int end in ends)
        {
            Assert.InRange(end - first, 1, block);
            // Within a block a group that begins also ends, unless the block begins with it.
            Assert.DoesNotContain(Enumerable.Range(first + 1, end - first - 1), start =>
                start % width == 0 && Math.Min(start + width, columns) > end);
            first = end;
        }
    }

    [Theory]
    [InlineData("rtn")]
    [InlineData("rtn-asymmetric")]
    [InlineData("nupes-datafree")]
    [InlineData("powerquant")]
    public void TheObjectiveIsBelowThatOfNearest(string recipe)
    {
        foreach (string name in RealLayers.Names)
        {
            foreach (int bits in (int[])[2, 3, 4])
            {
                foreach (int group in (int[])[64, 0])
                {
                    MatrixProblem problem = RealLayers.Problem(name, recipe, bits, new Granularity(group));
                    double nearest = problem.Relative(ScalarSolution.Nearest(problem, []));
                    foreach (GptqStep step in (GptqStep[])[s_gptq, s_activation])
                    {
                        double objective = problem.Relative(Solve(problem, step));
                        Assert.True(objective < nearest,
                            $"{name}, {bits} bits, group {group}, {step.Order}: {objective} against {nearest}");
                    }
                }
            }
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(2)]
    public void ItFollowsTheFormulas(int bits)
    {
        MatrixProblem problem = RealLayers.Problem(RealLayers.Names[4], "rtn", bits, Granularity.Channel);
        ScalarSolution solution = Solve(problem, s_gptq with { Groups = GroupFit.Static });
        int[] expected = ByTheFormulas(problem, 0.01);
        int different = expected.Where((code, i) => code != solution.Codes[i]).Count();
        // Single and double precision part where a weight lies next to a boundary, and then for the rest of the row.
        Assert.InRange(different, 0, expected.Length / 50);
    }

    [Fact]
    public void TheNumberOfThreadsDoesNotChangeTheResult()
    {
        MatrixProblem problem = RealLayers.Problem(RealLayers.Names[2], "nupes-datafree", 3, Granularity.Group(64));
        byte[][] codes = [.. ((int[])[1, 2, 3]).Select(count =>
        {
            using var workers = new Workers(count);
            return Solve(problem.On(workers), s_gptq).Codes;
        })];
        Assert.Equal(codes[0], codes[1]);
        Assert.Equal(codes[0], codes[2]);
    }

    [Fact]
    public void DampingGrowsUntilTheGramMatrixCanBeFactored()
    {
        // Eigenvalues 3 and -1: with a mean diagonal of 1 the first damping above 1 that is tried is 10.
        GramFactor factor = GramFactor.Create(new LayerObjective([1, 2, 2, 1], 2), ColumnOrder.Natural, 0.01)!;
        Assert.Equal(10, factor.Damping, 12);
        Assert.Equal(0.01, GramFactor.Create(new LayerObjective([1, 0.5, 0.5, 1], 2), ColumnOrder.Natural, 0.01)!.Damping);
        Assert.Equal(0, GramFactor.Create(new LayerObjective([1, 0.5, 0.5, 1], 2), ColumnOrder.Natural, 0)!.Damping);
        Assert.True(GramFactor.Create(new LayerObjective([1, 1, 1, 1], 2), ColumnOrder.Natural, 0)!.Damping > 0);
        Assert.Null(GramFactor.Create(new LayerObjective([1, 1e6, 1e6, 1], 2), ColumnOrder.Natural, 0.01));
    }

    [Fact]
    public void TheFactorIsThatOfTheInverse()
    {
        // H = [[4, 2], [2, 3]] has the inverse [[3, -2], [-2, 4]] / 8: U_00 = sqrt(3/8), U_01 = -1/4 / U_00, U_11 = 1 / sqrt(3).
        GramFactor factor = GramFactor.Create(new LayerObjective([4, 2, 2, 3], 2), ColumnOrder.Natural, 0)!;
        Assert.Equal(8.0 / 3, factor.Cost[0], 12);
        Assert.Equal(3, factor.Cost[1], 12);
        Assert.Equal(-2f / 3, factor.Carry[1], 1e-6f);
        Assert.Equal(0, factor.Carry[2]);
    }

    [Fact]
    public void ADeadChannelIsRoundedOnItsOwn()
    {
        LayerObjective real = RealLayers.Objective(RealLayers.Names[0]);
        double[] gram = [.. real.Gram];
        for (int i = 0; i < 256; i++)
            gram[i * 256 + 9] = gram[9 * 256 + i] = 0;
        MatrixProblem problem = RealLayers.Problem(RealLayers.Names[0], "rtn", 4, Granularity.Channel, new LayerObjective(gram, 256));
        Assert.Equal([9], problem.Objective.DeadChannels);
        SteppedLayer result = new StepRun([s_gptq]).Solve(problem);
        Assert.Equal(1, result.Report.DeadChannels);
        Assert.Null(result.Fallback);
        ScalarSolution nearest = ScalarSolution.Nearest(problem, []);
        for (int row = 0; row < problem.Rows; row++)
            Assert.Equal(nearest.Codes[row * 256 + 9], result.Solution.Codes[row * 256 + 9]);
        Assert.True(result.Objective < result.Nearest);
    }

    [Fact]
    public void WhereNothingHelpsTheWeightsAreRoundedToNearestAndTheReasonIsGiven()
    {
        MatrixProblem empty = RealLayers.Problem(
            RealLayers.Names[0], "rtn", 4, Granularity.Channel, new LayerObjective(new double[256 * 256], 256));
        SteppedLayer result = new StepRun([s_gptq]).Solve(empty);
        Assert.Equal(Fallback.NoData, result.Fallback);
        Assert.Equal(ScalarSolution.Nearest(empty, []).Codes, result.Solution.Codes);
        double[] indefinite = new double[256 * 256];
        for (int i = 0; i < 256; i++)
            indefinite[i * 256 + i] = 1;
        indefinite[1] = indefinite[256] = 1e9;
        result = new StepRun([s_gptq])
            .Solve(RealLayers.Problem(RealLayers.Names[0], "rtn", 4, Granularity.Channel, new LayerObjective(indefinite, 256)));
        Assert.Equal(Fallback.NotFactored, result.Fallback);
    }

    private static ScalarSolution Solve(MatrixProblem problem, GptqStep step, int block = SequentialSweep.BlockColumns) =>
        new GptqSolver(step, block).Solve(problem, GramFactor.Create(problem.Objective, step.Order, step.Damping)!);

    internal static LayerObjective Diagonal(int columns, bool identity)
    {
        var gram = new double[columns * columns];
        for (int i = 0; i < columns; i++)
            gram[i * columns + i] = identity ? 1 : 1 + i * 37 % 101;
        return new LayerObjective(gram, columns);
    }

    /// <summary>
    /// Optimal brain surgery in double precision: of all weights not yet rounded the inverse of H is kept; rounding the first of them moves
    /// the
    /// others by -e Hinv_0k / Hinv_00, and takes it out of the inverse by elimination.
    /// </summary>
    private static int[] ByTheFormulas(MatrixProblem problem, double damping)
    {
        int n = problem.Columns;
        var inverse = new double[n * n];
        problem.Objective.Gram.CopyTo(inverse, 0);
        for (int i = 0; i < n; i++)
            inverse[i * n + i] += damping * problem.Objective.MeanDiagonal;
        Invert(inverse, n);
        ScalarSolution nearest = ScalarSolution.Nearest(problem, []);
        double[] weights = Array.ConvertAll(problem.Weights, weight => (double)weight);
        var codes = new int[weights.Length];
        for (int j = 0; j < n; j++)
        {
            for (int row = 0; row < problem.Rows; row++)
            {
                GranuleGrid grid = nearest.Grid(row, 0);
                int at = row * n + j;
                codes[at] = grid.Encode((float)weights[at]);
                double error = weights[at] - grid.Decode(codes[at]);
                for (int k = j + 1; k < n; k++)
                    weights[row * n + k] -= error * inverse[j * n + k] / inverse[j * n + j];
            }
            for (int i = j + 1; i < n; i++)
            {
                double factor = inverse[i * n + j] / inverse[j * n + j];
                for (int k = j + 1; k < n; k++)
                    inverse[i * n + k] -= factor * inverse[j * n + k];
            }
        }
        return codes;
    }

    /// <summary>Gauss and Jordan without pivoting: enough for a positive definite matrix.</summary>
    private static void Invert(double[] a, int n)
    {
        for (int p = 0; p < n; p++)
        {
            double pivot = 1 / a[p * n + p];
            a[p * n + p] = 1;
            for (int k = 0; k < n; k++)
                a[p * n + k] *= pivot;
            for (int i = 0; i < n; i++)
            {
                double factor = a[i * n + p];
                if (i == p || factor == 0)
                    continue;
                a[i * n + p] = 0;
                for (int k = 0; k < n; k++)
                    a[i * n + k] -= factor * a[p * n + k];
            }
        }
    }
}
