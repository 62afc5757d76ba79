using Vernier.Grids;
using Vernier.Grids.Power;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Relaxed;

namespace Vernier.Tests.Solvers;

/// <summary>Learned rounding, judged by its hard codes alone.</summary>
public class RelaxedTests
{
    private static readonly SolverStep s_nearest = new() { Method = SolverMethod.Nearest };
    private static readonly SolverStep s_adaround = Step("adaround");
    private static readonly SolverStep s_flexround = Step("flexround");
    private static readonly SolverStep s_nupes = new() { Method = SolverMethod.Nupes, Iterations = 200, LearningRate = 0.03 };

    [Theory]
    [InlineData("rtn", 4)]
    [InlineData("rtn-mirrored", 2)]
    [InlineData("rtn-asymmetric", 3)]
    [InlineData("gptq-power", 3)]
    public void TheObjectiveIsBelowThatOfNearestOnEveryLayer(string recipe, int bits)
    {
        foreach (string name in RealLayers.Names[..2])
        {
            LayerProblem problem = RealLayers.Problem(name, recipe, bits, Granularity.Group(64));
            foreach (SolverStep step in (SolverStep[])[s_adaround, s_flexround, s_nupes])
            {
                LayerResult result = new LayerSolver([s_nearest, step]).Solve(problem);
                Assert.True(result.Objective < 0.95 * result.Nearest, $"{name}, {step.Method}: {result.Objective} against {result.Nearest}");
            }
        }
    }

    [Theory]
    [InlineData("rtn", 3)]
    [InlineData("rtn-mirrored", 4)]
    public void AdaRoundGoesUpOrDown(string recipe, int bits)
    {
        LayerProblem problem = RealLayers.Problem(RealLayers.Names[1], recipe, bits, Granularity.Group(64));
        LayerSolution nearest = LayerSolution.Nearest(problem, []), solution = new AdaRound(problem, nearest, s_adaround).Run();
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
        LayerProblem problem = RealLayers.Problem(RealLayers.Names[1], recipe, bits, Granularity.Group(64), new LayerObjective(gram, 256));
        LayerSolution nearest = LayerSolution.Nearest(problem, []);
        double before = problem.Relative(nearest);
        foreach (SolverStep step in (SolverStep[])[s_adaround with { Iterations = 20 }, s_flexround with { Iterations = 20 }, s_nupes with { Iterations = 20 }])
            Assert.True(new LayerSolver([s_nearest, step]).Solve(problem).Objective <= before);
        Assert.Equal(nearest.Codes, new FlexRound(problem, nearest, s_flexround with { Iterations = 1 }).Run().Codes);
    }

    [Fact]
    public void TheWholeSpaceIsBetterThanUpOrDownWhereTheBestIsTwoCodesAway()
    {
        // Two inputs that are nearly the same, and a weight beside them that is clipped: the first weight has to take over what the others can't.
        var spec = new PackedTensorSpec(1, 2, 3, Granularity.Channel, 1, 1, false, false);
        var table = Vernier.Grids.Uniform.UniformGrid.Create(3, LevelLayout.Full);
        // Scale 1/2: the levels are -1/2, -3/8, .. 3/8; the second weight is clipped by 0.3 and the first has to rise by 0.3, more than two steps of 1/8.
        var problem = new LayerProblem(spec, [table], new LargestScale(mirror: false), [0.01f, 0.675f], new LayerObjective([1, 0.999, 0.999, 1], 2));
        var start = new LayerSolution(spec, [table]);
        start.Scales[0] = (Half)0.5f;
        start.Codes[0] = 4;
        start.Codes[1] = 7;
        double upOrDown = problem.Relative(new AdaRound(problem, start, s_adaround).Run()), whole = problem.Relative(new SoftRound(problem, start, s_nupes).Run());
        Assert.True(whole < 0.2 * upOrDown, $"{whole} against {upOrDown}");
    }

    [Fact]
    public void TheNumberOfThreadsDoesNotChangeTheResult()
    {
        LayerProblem problem = RealLayers.Problem(RealLayers.Names[4], "gptq-power", 3, Granularity.Group(64));
        int threads = ParallelLoop.MaxThreads;
        try
        {
            foreach (SolverStep step in (SolverStep[])[s_adaround, s_flexround, s_nupes with { LearnExponent = true }])
            {
                LayerSolution[] solutions = [.. ((int[])[1, 3]).Select(count =>
                {
                    ParallelLoop.MaxThreads = count;
                    return new LayerSolver([s_nearest, step with { Iterations = 30 }]).Solve(problem).Solution;
                })];
                Assert.Equal(solutions[0].Codes, solutions[1].Codes);
                Assert.Equal(solutions[0].Scales, solutions[1].Scales);
            }
        }
        finally
        {
            ParallelLoop.MaxThreads = threads;
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

    private static SolverStep Step(string recipe) => RecipeCatalogue.Find(recipe).Solver[^1] with { Iterations = 200 };
}
