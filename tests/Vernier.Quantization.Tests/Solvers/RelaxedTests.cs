using Vernier.Grids;
using Vernier.Grids.Power;
using Vernier.Levels;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.AdaRound;
using Vernier.Quantization.Solvers.FlexRound;
using Vernier.Quantization.Solvers.Nearest;
using Vernier.Quantization.Solvers.Nupes;
using Vernier.Quantization.Solvers.Relaxed;
using Vernier.Quantization.Solvers.Scalar;

namespace Vernier.Tests.Solvers;

/// <summary>Learned rounding, judged by its hard codes alone.</summary>
public class RelaxedTests
{
    private static readonly NearestStep s_nearest = new NearestStep();
    private static readonly AdaRoundStep s_adaround = (AdaRoundStep)RecipeCatalogue.Find("adaround").Solver[1] with { Iterations = 200 };
    private static readonly FlexRoundStep s_flexround =
        (FlexRoundStep)RecipeCatalogue.Find("flexround").Solver[1] with { Iterations = 200 };
    private static readonly NupesStep s_nupes = new NupesStep { Iterations = 200, LearningRate = 0.03 };

    [Theory]
    [InlineData("rtn", 4)]
    [InlineData("rtn-mirrored", 2)]
    [InlineData("rtn-asymmetric", 3)]
    [InlineData("gptq-power", 3)]
    public void TheObjectiveIsBelowThatOfNearestOnEveryLayer(string recipe, int bits)
    {
        foreach (string name in RealLayers.Names[..2])
        {
            MatrixProblem problem = RealLayers.Problem(name, recipe, bits, Granularity.Group(64));
            foreach (SolverStep step in (SolverStep[])[s_adaround, s_flexround, s_nupes])
            {
                SteppedLayer result = new StepRun([s_nearest, step]).Solve(problem);
                Assert.True(result.Objective < 0.95 * result.Nearest, $"{name}, {step}: {result.Objective} against {result.Nearest}");
            }
        }
    }

    [Theory]
    [InlineData(3, 0)]
    [InlineData(2, 64)]
    public void UpOrDownAndDivisionAreBelowNearestOnEveryRealLayer(int bits, int group)
    {
        foreach (string name in RealLayers.Names[2..])
        {
            MatrixProblem problem = RealLayers.Problem(name, "rtn", bits, new Granularity(group));
            double nearest = problem.Relative(ScalarSolution.Nearest(problem, []));
            double[] rows = problem.Objective.RowValues(problem.Weights, ScalarSolution.Nearest(problem, []).Decode());
            foreach (LearnedStep step in (LearnedStep[])[s_adaround, s_flexround])
            {
                SteppedLayer result = new StepRun([s_nearest, step with { Iterations = 60 }]).Solve(problem);
                Assert.True(result.Objective < 0.98 * nearest, $"{name}, {step}: {result.Objective} against {nearest}");
                double[] learned = problem.Objective.RowValues(problem.Weights, result.Solution.Decode());
                for (int row = 0; row < rows.Length; row++)
                    Assert.True(learned[row] <= rows[row] * (1 + 1e-9), $"{name}, {step}, row {row}");
            }
        }
    }

    [Fact]
    public void AdaRoundStartsAtTheWeightsAndHardensToNearest()
    {
        MatrixProblem problem = RealLayers.Problem(RealLayers.Names[1], "rtn", 3, Granularity.Group(64));
        ScalarSolution nearest = ScalarSolution.Nearest(problem, []);
        var start = new AdaRoundSolver(problem, nearest, s_adaround with { Iterations = 1, LearningRate = 1e-12 });
        byte[] codes = start.Run().Codes;
        float[] soft = start.Decoded(), decoded = nearest.Decode();
        for (int i = 0; i < codes.Length; i++)
        {
            GranuleGrid grid = nearest.Grid(i / problem.Columns, i % problem.Columns / nearest.Width);
            float weight = Math.Clamp(problem.Weights[i], grid.Decode(0), grid.Decode(grid.Last));
            Assert.Equal(weight, soft[i], 1e-5f);
            // A weight in the middle of two levels may go either way.
            Assert.True(codes[i] == nearest.Codes[i] || Math.Abs(Math.Abs(grid.Decode(codes[i]) - weight) - Math.Abs(decoded[i] - weight))
                < 1e-5);
        }
    }

    [Fact]
    public void AdaRoundHasAllButDecidedBeforeItIsHardened()
    {
        MatrixProblem problem = RealLayers.Problem(RealLayers.Names[1], "rtn", 3, Granularity.Group(64));
        var learned = new AdaRoundSolver(problem, ScalarSolution.Nearest(problem, []),
            (AdaRoundStep)RecipeCatalogue.Find("adaround").Solver[^1]);
        ScalarSolution solution = learned.Run();
        double soft = problem.Objective.Relative(problem.Weights, learned.Decoded()), hard = problem.Relative(solution);
        Assert.True(learned.Decided > 0.98, $"{learned.Decided}");
        Assert.InRange(hard, 0.97 * soft, 1.03 * soft);
    }

    [Fact]
    public void LargeWeightsGoFurtherInFlexRound()
    {
        MatrixProblem problem = RealLayers.Problem(RealLayers.Names[1], "rtn", 4, Granularity.Group(64));
        ScalarSolution nearest = ScalarSolution.Nearest(problem, []),
            solution = new FlexRoundSolver(problem, nearest, s_flexround with { LearningRate = 0.02 }).Run();
        int[] moves = [.. solution.Codes.Zip(nearest.Codes, (now, before) => Math.Abs(now - before))];
        Assert.Contains(moves, move => move > 1);
        // By division the code 0 stays 0, and the larger a weight the more codes it passes.
        double small = moves.Where((_, i) => Math.Abs(nearest.Codes[i] - 8) is 1 or 2).Average(),
            large = moves.Where((_, i) => Math.Abs(nearest.Codes[i] - 8) >= 6).Average();
        Assert.True(large > small, $"{large} and {small}");
        Assert.All(Enumerable.Range(0, moves.Length).Where(i => problem.Weights[i] == 0), i => Assert.Equal(0, moves[i]));
    }

    [Theory]
    [InlineData("rtn", 3)]
    [InlineData("rtn-mirrored", 4)]
    public void AdaRoundGoesUpOrDown(string recipe, int bits)
    {
        MatrixProblem problem = RealLayers.Problem(RealLayers.Names[1], recipe, bits, Granularity.Group(64));
        ScalarSolution nearest = ScalarSolution.Nearest(problem, []), solution = new AdaRoundSolver(problem, nearest, s_adaround).Run();
        Assert.Equal(nearest.Scales, solution.Scales);
        for (int i = 0; i < solution.Codes.Length; i++)
        {
            int below = nearest.Grid(i / problem.Columns, i % problem.Columns / nearest.Width).Below(problem.Weights[i]);
            Assert.InRange(solution.Codes[i], below, below + 1);
        }
    }

    [Theory]
    [InlineData("rtn", 3)]
    [InlineData("rtn-asymmetric", 4)]
    [InlineData("gptq-power", 2)]
    public void WithNoIterationThatHelpsTheStartIsKept(string recipe, int bits)
    {
        // Nothing to gain where all channels are independent: nearest is the best there is.
        var gram = new double[256 * 256];
        for (int i = 0; i < 256; i++)
            gram[i * 257] = 1;
        MatrixProblem problem = RealLayers.Problem(RealLayers.Names[1], recipe, bits, Granularity.Group(64), new LayerObjective(gram, 256));
        ScalarSolution nearest = ScalarSolution.Nearest(problem, []);
        double before = problem.Relative(nearest);
        foreach (SolverStep step in (SolverStep[])[s_adaround with { Iterations = 20 }, s_flexround with { Iterations = 20 },
            s_nupes with { Iterations = 20 }])
            Assert.True(new StepRun([s_nearest, step]).Solve(problem).Objective <= before);
        Assert.Equal(nearest.Codes, new FlexRoundSolver(problem, nearest, s_flexround with { Iterations = 1 }).Run().Codes);
    }

    [Fact]
    public void TheWholeSpaceIsBetterThanUpOrDownWhereTheBestIsTwoCodesAway()
    {
        // Two inputs that are nearly the same, and a weight beside them that is clipped: the first weight has to take over what the others
        // can't.
        var spec = new ScalarLayout(1, 2, 3, Granularity.Channel, 1, 1, false, false);
        var table = Vernier.Grids.Uniform.UniformGrid.Create(3, LevelLayout.Full);
        // Scale 1/2: the levels are -1/2, -3/8, .. 3/8; the second weight is clipped by 0.3 and the first has to rise by 0.3, more than two
        // steps of 1/8.
        var problem = new MatrixProblem(spec, [0.01f, 0.675f], 0, new LayerObjective([1, 0.999, 0.999, 1], 2)) {
            Tables = [table], Fit = new LargestScale(mirror: false) };
        var start = new ScalarSolution(spec, [table]);
        start.Scales[0] = (Half)0.5f;
        start.Codes[0] = 4;
        start.Codes[1] = 7;
        double upOrDown = problem.Relative(new AdaRoundSolver(problem, start, s_adaround).Run()),
            whole = problem.Relative(new SoftRound(problem, start, s_nupes).Run());
        Assert.True(whole < 0.2 * upOrDown, $"{whole} against {upOrDown}");
    }

    [Fact]
    public void TheNumberOfThreadsDoesNotChangeTheResult()
    {
        MatrixProblem problem = RealLayers.Problem(RealLayers.Names[4], "gptq-power", 3, Granularity.Group(64));
        foreach (LearnedStep step in (LearnedStep[])[s_adaround, s_flexround, s_nupes with { LearnExponent = true }])
        {
            ScalarSolution[] solutions = [.. ((int[])[1, 3]).Select(count =>
            {
                using var workers = new Workers(count);
                return new StepRun([s_nearest, step with { Iterations = 30 }]).Solve(problem.On(workers)).Solution;
            })];
            Assert.Equal(solutions[0].Codes, solutions[1].Codes);
            Assert.Equal(solutions[0].Scales, solutions[1].Scales);
        }
    }

    [Theory]
    [InlineData(LevelLayout.Full, 0.7, 0)]
    [InlineData(LevelLayout.Symmetric, 0.5, 0)]
    [InlineData(LevelLayout.Offset, 0.6, 0.3)]
    [InlineData(LevelLayout.Offset, 1, 0.5)]
    [InlineData(LevelLayout.Full, 1, 0)]
    public void ALearnedTableBeginsAsItIs(LevelLayout layout, double exponent, double offset)
    {
        LevelTable start = PowerGrid.Create(4, layout, exponent, offset);
        var table = new PowerTable(start);
        Assert.Equal(exponent, table.Exponent, 1e-6);
        for (int k = 0; k < start.Levels.Length; k++)
        {
            // A stored level is rounded to an integer.
            Assert.Equal(start.Values[k], table.Values[k], 0.6f * start.Unit);
            double value = table.Values[k], slope = table.Slopes[k];
            float parameter = table.Parameter;
            double a = table.Exponent;
            table.Parameter += 1e-3f;
            table.Update();
            Assert.Equal((table.Values[k] - value) / (table.Exponent - a), slope, 2e-2 * Math.Max(0.1, Math.Abs(slope)));
            table.Parameter = parameter;
            table.Update();
        }
        if (exponent != 1)
            Assert.Equal(start.Levels.ToArray(), table.ToTable().Levels.ToArray());
    }
}
