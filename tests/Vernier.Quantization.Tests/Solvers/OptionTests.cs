using Vernier.Packing;
using Vernier.Packing.Vectors;
using Vernier.Quantization.Objectives;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Gptq;
using Vernier.Quantization.Solvers.Jlcm;
using Vernier.Quantization.Solvers.Nearest;
using Vernier.Quantization.Solvers.QuantEase;
using Vernier.Grids.Vectors;

namespace Vernier.Tests.Solvers;

/// <summary>Options that no recipe of the library sets are there because they matter.</summary>
public class OptionTests
{
    [Fact]
    public void TheOrderOfActivationIsBetterWhereGroupsAreFixed()
    {
        double natural = 0, activation = 0;
        foreach (string name in RealLayers.Names)
        {
            MatrixProblem problem = RealLayers.Problem(name, "rtn", 2, Granularity.Group(64));
            natural += Objective(problem, new GptqStep { Groups = GroupFit.Static });
            activation += Objective(problem, new GptqStep { Groups = GroupFit.Static, Order = ColumnOrder.Activation });
        }
        Assert.True(activation < 0.99 * natural, $"{activation} by activation, {natural} as they stand");
    }

    [Fact]
    public void GroupsThatAreFittedWhenTheirTurnComesAreBetterThanFixedOnes()
    {
        double current = 0, before = 0;
        foreach (string name in RealLayers.Names)
        {
            MatrixProblem problem = RealLayers.Problem(name, "rtn", 2, Granularity.Group(64));
            current += Objective(problem, new GptqStep());
            before += Objective(problem, new GptqStep { Groups = GroupFit.Static });
        }
        Assert.True(current < before, $"{current} when their turn comes, {before} before");
    }

    [Fact]
    public void DampingHoldsErrorsBack()
    {
        foreach (string name in RealLayers.Names[..2])
        {
            MatrixProblem problem = RealLayers.Problem(name, "rtn", 3, Granularity.Group(64));
            double[] objectives = [.. ((double[])[0.01, 0.3, 1]).Select(damping => Objective(problem, new GptqStep { Damping = damping }))];
            // The more of it, the nearer to rounding to nearest.
            Assert.True(objectives[0] < objectives[1] && objectives[1] < objectives[2], string.Join(' ', objectives));
            Assert.True(objectives[2] < new StepRun([new NearestStep()]).Solve(problem).Objective);
        }
    }

    [Fact]
    public void BlockScalesAndARankMakeCodebooksSmaller()
    {
        var whole = (VectorLayout)new VectorGridSpec().LayoutOf(128, 256, 6, Granularity.Group(64))!;
        var half = (VectorLayout)new VectorGridSpec { Rank = 0.5 }.LayoutOf(128, 256, 6, Granularity.Group(64))!;
        Assert.Equal((0, 32), (whole.BookRank, half.BookRank));
        // For the same budget there are more codebooks of half the rank.
        Assert.True(half.Books > whole.Books, $"{half.Books} codebooks, {whole.Books} of full rank");
        var blocks = (VectorLayout)new VectorGridSpec { Dimension = 2, BlockColumns = 32 }.LayoutOf(128, 256, 2, Granularity.Group(32))!;
        Assert.Equal((32, 8), (blocks.BlockColumns, blocks.Blocks));
        // Weights whose size changes along a row are better met with scales of their own.
        float[] weights = [.. TinyModel.Gaussian(128 * 256, 1, 0.2).Select((weight, i) => i % 256 < 128 ? weight : weight / 16)];
        double with = Error(blocks), without = Error(blocks with { BlockColumns = 0 });
        Assert.True(with < 0.9 * without, $"{with} with scales of blocks, {without} without");

        double Error(VectorLayout layout)
        {
            PackedMatrix packed = new MatrixSolver([]).Solve(new MatrixProblem(layout, weights)).Matrix;
            var row = new float[256];
            double sum = 0;
            for (int r = 0; r < 128; r++)
            {
                packed.DequantizeRow(r, row);
                sum += row.Index().Sum(one => Math.Pow((one.Item - weights[r * 256 + one.Index]) * (one.Index < 128 ? 1 : 16), 2));
            }
            return sum;
        }
    }

    [Fact]
    public void TheGradientThatDecidesAmongCodewordsMatters()
    {
        MatrixProblem problem = RealLayers.Problem(RealLayers.Names[2], "kmeans", 3, Granularity.Group(64));
        JlcmStep step = new() { Iterations = 60, LearningRate = 0.1, Penalty = 0.5, Neighbours = 5 };
        double proximal = Objective(problem, new NearestStep(), step),
            exact = Objective(problem, new NearestStep(), step with { Gradient = MappingGradient.Exact });
        double frozen = Objective(problem, new NearestStep(), step with { FreezeCodebook = true }),
            nearest = Objective(problem, new NearestStep());
        Assert.NotEqual(proximal, exact);
        Assert.True(proximal < frozen && frozen < nearest, $"{proximal}, {frozen} with codebooks as they are, {nearest} before");
    }

    [Fact]
    public void TheNumberOfSweepsIsAtMostWhatIsAsked()
    {
        MatrixProblem problem = RealLayers.Problem(RealLayers.Names[1], "rtn", 3, Granularity.Group(64));
        double[] objectives = [.. ((int[])[1, 2, 30])
            .Select(sweeps => Objective(problem, new NearestStep(), new QuantEaseStep { Sweeps = sweeps }))];
        Assert.True(objectives[1] < objectives[0] && objectives[2] < objectives[1], string.Join(' ', objectives));
    }

    private static double Objective(MatrixProblem problem, params SolverStep[] steps) => new StepRun(steps).Solve(problem).Objective;
}
