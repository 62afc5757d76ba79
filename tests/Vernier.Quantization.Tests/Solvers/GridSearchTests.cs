using Vernier.Files.Checkpoints;
using Vernier.Grids;
using Vernier.Grids.Power;
using Vernier.Grids.Specs;
using Vernier.Inference.Models;
using Vernier.Levels;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Weights;

namespace Vernier.Tests.Solvers;

public class GridSearchTests
{
    private static readonly PowerGridSpec s_symmetric = new() { Layouts = [LevelLayout.Symmetric] };

    [Theory]
    [InlineData("gauss", 0.6, 0.95)]
    [InlineData("laplace", 0.3, 0.65)]
    [InlineData("uniform", 0.9, 1.2)]
    public void TheExponentTellsHeavyTails(string law, double least, double most)
    {
        using var folder = new TempFolder();
        using Checkpoint checkpoint = Matrix(folder, 64, 1024, law);
        Assert.InRange(Choose(s_symmetric, 4, 1, Sample(checkpoint, Granularity.Channel))[0].Exponent, least, most);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void TheSearchIsNeverWorseThanUniformOnARealLayer(int bits)
    {
        using Checkpoint checkpoint = Checkpoint.Open(SharedData.Quill);
        foreach (string name in (string[])["model.layers.0.self_attn.q_proj.weight", "model.layers.5.mlp.down_proj.weight"])
        {
            var matrix = new WeightMatrix(checkpoint, checkpoint[name]);
            var sample = GranuleSampling.Take(matrix, Granularity.Group(64), 0, matrix.Rows);
            double uniform = Error(sample, UniformOf(bits, LevelLayout.Full)),
                symmetric = Error(sample, UniformOf(bits, LevelLayout.Symmetric));
            Assert.True(Error(sample, Choose(s_symmetric, bits, 1, sample)) <= symmetric * 1.0000001);
            PowerGridSpec offset = new() { Layouts = [LevelLayout.Offset], Mirror = true };
            double one = Error(sample, Choose(offset, bits, 1, sample)), eight = Error(sample, Choose(offset, bits, 8, sample));
            Assert.True(one <= uniform * 1.0000001);
            Assert.True(eight < one);
        }
    }

    [Fact]
    public void AMatrixOfTwoKindsOfRowsGetsTwoExponents()
    {
        using var folder = new TempFolder();
        var weights = new float[128 * 512];
        Fill("laplace", 1).AsSpan(0, 64 * 512).CopyTo(weights);
        Fill("uniform", 2).AsSpan(0, 64 * 512).CopyTo(weights.AsSpan(64 * 512));
        TinyModel.Write(folder["m"], ("a.weight", [128, 512], weights));
        using var opened = Model.Open(folder["m"]);
        Recipe recipe = RecipeCatalogue.Find("powerquant") with { Grid = s_symmetric with { Scope = GridScope.Rows, Rows = 64 } };
        var plan = QuantizationPlan.Create(opened, new QuantizationOptions { Recipe = recipe, Granularity = Granularity.Channel });
        QuantizedTensorReport report = Assert.Single(new Quantizer(plan).Run(folder["out"]));
        Assert.Equal(2, report.Exponents.Count);
        Assert.True(report.Exponents[0] < 0.7 && report.Exponents[1] > 0.85, string.Join(' ', report.Exponents));
    }

    [Fact]
    public void OneExponentForTheNetworkIsShared()
    {
        using var folder = new TempFolder();
        TinyModel.Write(folder["m"], ("a.weight", [64, 512], Fill("laplace", 1)), ("b.weight", [64, 512], Fill("uniform", 2)));
        using var opened = Model.Open(folder["m"]);
        var plan = QuantizationPlan.Create(opened,
            new QuantizationOptions { Recipe = RecipeCatalogue.Find("powerquant"), Granularity = Granularity.Channel });
        Assert.Single(new Quantizer(plan).Run(folder["out"]).SelectMany(report => report.Exponents).Distinct());
    }

    [Fact]
    public void TrueNearestIsNeverWorseThanThePapersRule()
    {
        using var opened = Model.Open(SharedData.Quill);
        using var folder = new TempFolder();
        foreach (int bits in (int[])[2, 3, 4])
        {
            Recipe papers = RecipeCatalogue.Find("powerquant") with { Grid = s_symmetric with { Exponent = 0.7 } };
            double[] errors = [.. ((RoundingRule[])[RoundingRule.Nearest, RoundingRule.PowerDomain]).Select(rule =>
            {
                var plan = QuantizationPlan.Create(opened,
                    new QuantizationOptions { Recipe = papers with { Rounding = rule }, Bits = bits, EmbeddingBits = null });
                return new Quantizer(plan).Run(folder["out"], new RunOptions { Replace = true }).Sum(report => report.Error.SquaredError);
            })];
            Assert.True(errors[0] < errors[1], $"{bits} bits: nearest {errors[0]}, the papers' rule {errors[1]}");
        }
    }

    private static LevelTable[] Choose(PowerGridSpec part, int bits, int tables, GranuleSample sample) =>
        (part with { Tables = tables }).Choose([sample], bits, RoundingRule.Nearest, Workers.Shared);

    private static LevelTable[] UniformOf(int bits, LevelLayout layout) => [Vernier.Grids.Uniform.UniformGrid.Create(bits, layout)];

    private static double Error(GranuleSample sample, LevelTable[] tables) =>
        Enumerable.Range(0, sample.Count).Sum(i => new ScaleSearch(mirror: true).Fit(sample.Weights(i), [], tables, []).Error);

    private static Checkpoint Matrix(TempFolder folder, int rows, int columns, string law)
    {
        TinyModel.Write(folder["m"], ("a.weight", [rows, columns], Fill(law, 1, rows * columns)));
        return Checkpoint.Open(folder["m"]);
    }

    private static GranuleSample Sample(Checkpoint checkpoint, Granularity granularity)
    {
        var matrix = new WeightMatrix(checkpoint, checkpoint["a.weight"]);
        return GranuleSampling.Take(matrix, granularity, 0, matrix.Rows);
    }

    private static float[] Fill(string law, int seed, int count = 64 * 512)
    {
        var random = new Random(seed);
        return law switch
        {
            "gauss" => TinyModel.Gaussian(count, seed),
            "uniform" => [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() - 0.5))],
            _ => [.. Enumerable.Range(0, count).Select(_ => (float)(Math.Log(1 - random.NextDouble()) * (random.Next(2) - 0.5)))],
        };
    }
}
