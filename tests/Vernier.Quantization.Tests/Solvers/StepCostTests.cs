using Vernier.Grids.Ggml;
using Vernier.Grids.Specs;
using Vernier.Grids.TwoLevel;
using Vernier.Grids.Uniform;
using Vernier.Grids.Vectors;
using Vernier.Packing;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Codebooks;
using Vernier.Quantization.Solvers.Dmmv;
using Vernier.Quantization.Solvers.FlexRound;
using Vernier.Quantization.Solvers.Gptq;
using Vernier.Quantization.Solvers.Jlcm;
using Vernier.Quantization.Solvers.Nearest;
using Vernier.Quantization.Solvers.Outliers;
using Vernier.Quantization.Solvers.QuantEase;
using Vernier.Quantization.Solvers.Scales;

namespace Vernier.Tests.Solvers;

/// <summary>What steps take, before any work.</summary>
public class StepCostTests
{
    private const double R = 10, C = 64;

    public static TheoryData<string> Methods => [.. SolverSteps.Methods];

    public static TheoryData<string> Kinds => [.. GridSpecs.Kinds.Where(kind => kind != "minifloat")];

    [Fact]
    public void CostsFollowFromRowsAndColumns()
    {
        Is(new GptqStep(), new StepCost((long)(12 * C * C), 2 * R * C * C, C * C * C * 2 / 3) { SharedBytes = (long)(4 * C * C) });
        Is(new QuantEaseStep(), new StepCost((long)(12 * R * C), 0, 8 * R * C * C));
        Is(new ScalesStep(), new StepCost(0, 0, 6 * R * C * C));
        Is(new CodebooksStep { Iterations = 7 }, new StepCost((long)(24 * R * C), 0, 14 * R * C * C));
        Is(new FlexRoundStep { Iterations = 3 }, new StepCost((long)((4 * C + 32 * R) * C), 3 * (2 * R * C * C + 800 * R * C)));
        Is(new JlcmStep { Iterations = 3, Neighbours = 5 }, new StepCost((long)((4 * C + 80 * R) * C), 3 * (2 * R * C * C + 800 * R * C)));
        Is(new OutliersStep { Sweeps = 5 }, new StepCost((long)(44 * R * C), 0, 60 * R * C * C));
        Is(new DmmvStep { Sweeps = 8 }, new StepCost((long)(4096 * (2 * C + R) + 4 * R * C), 2 * R * 24 * 4096));
        Is(new NearestStep(), default);
        Is(new NearestStep { Importance = ColumnImportance.Diagonal }, new StepCost((long)(4 * C * C)));
        Is(new NearestStep { Importance = ColumnImportance.Inverse }, new StepCost((long)(12 * C * C)));

        static void Is(SolverStep step, StepCost expected) => Assert.Equal(expected, Cost(step, new UniformGridSpec(), (int)R, (int)C));
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void LargerMatricesTakeMore(string method)
    {
        SolverStep step = SolverSteps.Types.Create(method);
        // The cost of rounding to nearest is that of the solution that all steps begin with.
        if (step is NearestStep nearest)
            step = nearest with { Importance = ColumnImportance.Sequential };
        StepCost small = Cost(step, new UniformGridSpec(), 96, 64);
        StepCost tall = Cost(step, new UniformGridSpec(), 192, 64), wide = Cost(step, new UniformGridSpec(), 96, 128);
        StepCost vast = Cost(step, new UniformGridSpec(), 200_000, 150_000);
        Assert.True(All(small) > 0);
        Assert.True(All(wide) > All(small));
        Assert.True(step is NearestStep || All(tall) > All(small));
        Assert.All([tall, wide, vast], cost => Assert.True(
            cost.WorkBytes >= small.WorkBytes && cost.SharedBytes >= small.SharedBytes
            && cost.Single >= small.Single && cost.Double >= small.Double));

        static double All(StepCost cost) => cost.WorkBytes + cost.Single + cost.Double;
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void TheNearestSolutionOfEveryFamilyTakesSomething(string kind)
    {
        GridSpec grid = GridSpecs.Create(kind);
        StepCost small = Of(256, 512), tall = Of(512, 512), wide = Of(256, 1024);
        Assert.True(small.WorkBytes > 256 * 512);
        Assert.True(tall.WorkBytes > small.WorkBytes && wide.WorkBytes > small.WorkBytes);
        Assert.True(tall.Single >= small.Single && wide.Single >= small.Single);

        StepCost Of(int rows, int columns)
        {
            PackedLayout layout = grid.LayoutOf(rows, columns, 4, Granularity.Group(64))!;
            return SolutionFamilies.Of(grid.LayoutType).NearestCost(layout);
        }
    }

    [Fact]
    public void FamiliesCountTheirOwnSteps()
    {
        // GPTQ on blocks: the carry, and the factor that is the same for all.
        StepCost blocks = Cost(new GptqStep(), new GgmlGridSpec(), 32, 256);
        Assert.Equal((12L * 256 * 256, 2.0 * 32 * 256 * 256, 256.0 * 256 * 256 * 2 / 3), (blocks.WorkBytes, blocks.Single, blocks.Double));
        StepCost levels = Cost(new GptqStep(), new TwoLevelGridSpec(), 32, 256);
        Assert.Equal((16L * 256 * 256, 32.0 * 256 * 256), (levels.WorkBytes, levels.Single));
        Assert.Equal(10.0 * 32 * 256 * 256, Cost(new QuantEaseStep(), new GgmlGridSpec(), 32, 256).Double);
        double without = Cost(new QuantEaseStep(), new VectorGridSpec(), 32, 256).Double;
        Assert.True(Cost(new QuantEaseStep { RefitScales = true }, new VectorGridSpec(), 32, 256).Double > 2 * without);
    }

    private static StepCost Cost(SolverStep step, GridSpec grid, int rows, int columns) =>
        step.Cost(grid.LayoutOf(rows, columns, 4, Granularity.Group(64))!, SolutionFamilies.Of(grid.LayoutType));
}
