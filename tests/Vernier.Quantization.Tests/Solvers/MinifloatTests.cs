using Vernier.Files.Checkpoints;
using Vernier.Inference.Models;
using Vernier.Levels;
using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Gptq;
using Vernier.Quantization.Solvers.Nearest;
using Vernier.Quantization.Solvers.QuantEase;
using Vernier.Quantization.Weights;

namespace Vernier.Tests.Solvers;

/// <summary>Minifloats, normal floats and block formats under the solvers that all scalar grids have.</summary>
public class MinifloatTests
{
    [Theory]
    [InlineData("fp4", 4)]
    [InlineData("nf4", 3)]
    [InlineData("minifloat", 3)]
    [InlineData("mxfp4", 4)]
    [InlineData("nvfp4", 4)]
    [InlineData("fp6", 6)]
    [InlineData("mxfp8", 8)]
    public void GptqAndDescentLowerTheObjectiveOnEveryFloatGrid(string recipe, int bits)
    {
        MatrixProblem problem = RealLayers.Problem(RealLayers.Names[3], recipe, bits, Granularity.Group(64));
        double[] objectives = [.. ((string[])["nearest", "gptq", "gptq+quantease", "gptq+quantease-scales"]).Select(Objective)];
        Assert.True(objectives[1] < objectives[0], $"gptq {objectives[1]}, nearest {objectives[0]}");
        Assert.True(objectives[2] < objectives[1], $"quantease {objectives[2]}, gptq {objectives[1]}");
        Assert.True(objectives[3] < objectives[1], $"quantease with scales {objectives[3]}, gptq {objectives[1]}");

        double Objective(string steps)
        {
            SolverStep[] list =
            [
                steps == "nearest" ? new NearestStep() : new GptqStep(),
                .. steps.Contains("quantease", StringComparison.Ordinal)
                    ? (SolverStep[])[new QuantEaseStep { RefitScales = steps.EndsWith("scales", StringComparison.Ordinal), Sweeps = 5 }]
                    : [],
            ];
            SteppedLayer result = new StepRun(list).Solve(problem);
            // What is stored is a number of the format.
            if (problem.Scalar.ScaleFormat != ScaleFormat.Half)
                Assert.All(result.Solution.Scales, scale => StoredScale.Encode(scale, problem.Scalar.ScaleFormat));
            PackedMatrix packed = result.Solution.Pack(0);
            Assert.Equal(problem.Scalar.StoredBytes, packed.ArrayBytes().Sum(bytes => (long)bytes.Length));
            return result.Objective;
        }
    }

    [Fact]
    public void AnExpectedSplitIsChosenForEachLaw()
    {
        var random = new Random(2);
        Assert.Equal(1, Chosen(() => 2 * random.NextDouble() - 1));
        Assert.InRange(Chosen(() => Math.Exp(3 * Gaussian(random)) * (random.Next(2) - 0.5)), 3, 3);

        // The ratio of the largest level to the smallest tells the split.
        int Chosen(Func<double> law)
        {
            using var folder = new TempFolder();
            TinyModel.Write(folder["m"], ("a.weight", [64, 512], [.. Enumerable.Range(0, 64 * 512).Select(_ => (float)law())]));
            using var opened = Model.Open(folder["m"]);
            var plan = QuantizationPlan.Create(opened,
                new QuantizationOptions { Recipe = RecipeCatalogue.Find("minifloat"), Bits = 6, Granularity = Granularity.Channel });
            new Quantizer(plan).Run(folder["out"]);
            using Checkpoint written = Checkpoint.Open(folder["out"]);
            var packed = (ScalarMatrix)PackedMatrixReader.Read(
                written, "a.weight", plan.Tensors.Single(planned => planned.Tensor.Name == "a.weight").Layout!);
            return packed.Grids[0].Levels[^1] switch { 31 => 1, 60 => 2, 448 => 3, short other => other };
        }
    }

    [Fact]
    public void RatiosOfScalesAreExactPowersOfTwoInTheFile()
    {
        Recipe m2 = RecipeCatalogue.Find("fp4") with { Scale = ScaleRule.PowerOfTwoRatios }, m1 = m2 with { Scale = ScaleRule.PowerOfTwo };
        Assert.Null(m2.Problem);
        foreach (Recipe recipe in (Recipe[])[m1, m2])
        {
            using var folder = new TempFolder();
            using var opened = Model.Open(SharedData.Quill);
            var plan = QuantizationPlan.Create(opened,
                new QuantizationOptions { Recipe = recipe, Granularity = Granularity.Group(32) });
            new Quantizer(plan).Run(folder["out"]);
            using Checkpoint written = Checkpoint.Open(folder["out"]);
            foreach (TensorPlan planned in plan.Tensors.Where(planned => planned.Role == TensorRole.Linear))
            {
                var packed = (ScalarMatrix)PackedMatrixReader.Read(written, planned.Tensor.Name, planned.Layout!);
                int granules = packed.Spec.Granularity.ScaleColumns(packed.Columns);
                bool differ = false;
                for (int row = 0; row < packed.Rows; row++)
                {
                    double[] scales = [.. packed.Scales.Span.Slice(row * granules, granules).ToArray().Select(scale => (double)scale)];
                    double largest = recipe.Scale == ScaleRule.PowerOfTwo ? 1 : scales.Max();
                    Assert.All(scales, scale => Assert.Equal(Math.ScaleB(1, Math.ILogB(largest / scale)), largest / scale));
                    differ |= scales.Distinct().Count() > 1;
                }
                Assert.True(differ);
            }
        }
    }

    private static double Gaussian(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
