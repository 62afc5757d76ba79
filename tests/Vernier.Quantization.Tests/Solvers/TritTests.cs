using Vernier.Grids.Trits;
using Vernier.Inference.Models;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Trits;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;
using Vernier.Quantization.Solvers.Nearest;
using Vernier.Quantization.Solvers.Trits;

namespace Vernier.Tests.Solvers;

public class TritTests
{
    [Fact]
    public void TheErrorOnGaussianGroupsIsTheReferenceAndNeverRises()
    {
        float[] all = TinyModel.Gaussian(2000 * 128, 3);
        double sum = 0, ratios = 0;
        for (int group = 0; group < 2000; group++)
        {
            ReadOnlySpan<float> weights = all.AsSpan(group * 128, 128);
            sbyte[] first = new sbyte[128], second = new sbyte[128];
            TritFit fit = TritSolver.Solve(weights, [], first, second, trace: true);
            Assert.Equal(fit.Errors.OrderDescending(), fit.Errors);
            double error = 0, squares = 0;
            for (int i = 0; i < 128; i++)
            {
                error += Math.Pow(weights[i] - (double)fit.First * first[i] - (double)fit.Second * second[i], 2);
                squares += weights[i] * weights[i];
            }
            Assert.Equal(error, fit.Error, 1e-5 * squares);
            sum += Math.Sqrt(error / squares);
            ratios += Math.Max(Math.Abs((double)fit.First), Math.Abs((double)fit.Second))
                / Math.Min(Math.Abs((double)fit.First), Math.Abs((double)fit.Second));
        }
        Assert.InRange(sum / 2000, 0.162, 0.168);
        Assert.InRange(ratios / 2000, 1.4, 1.6);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(100)]
    [InlineData(257)]
    public void EveryWeightHasTheBestOfTheNinePairs(int count)
    {
        var random = new Random(count);
        foreach (Func<int, float> law in (Func<int, float>[])[_ =>
            (float)(random.NextDouble() - 0.5), i => i == 0 ? 1 : 1e-4f, i => i % 2, _ => -0.25f, i => MathF.ScaleB(1, -i % 20)])
        {
            float[] weights = [.. Enumerable.Range(0, count).Select(law)];
            sbyte[] first = new sbyte[count], second = new sbyte[count];
            TritFit fit = TritSolver.Solve(weights, [], first, second);
            float a1 = (float)fit.First, a2 = (float)fit.Second;
            Assert.True(float.IsFinite(a1) && float.IsFinite(a2));
            for (int i = 0; i < count; i++)
            {
                float chosen = Math.Abs(weights[i] - (a1 * first[i] + a2 * second[i]));
                for (int pair = 0; pair < 9; pair++)
                    Assert.True(chosen <= Math.Abs(weights[i] - (a1 * (pair / 3 - 1) + a2 * (pair % 3 - 1))) * 1.000001f + 1e-9f);
            }
        }
    }

    [Fact]
    public void ConstantsAndZerosAreExact()
    {
        foreach (float value in (float[])[0, 0.5f, -1])
        {
            float[] weights = [.. Enumerable.Repeat(value, 128)];
            sbyte[] first = new sbyte[128], second = new sbyte[128];
            TritFit fit = TritSolver.Solve(weights, [], first, second);
            for (int i = 0; i < 128; i++)
                Assert.Equal(value, (double)fit.First * first[i] + (double)fit.Second * second[i], 1e-3);
        }
    }

    [Fact]
    public void WeightsThatCountMoreAreCloser()
    {
        float[] weights = TinyModel.Gaussian(128, 9), importance = [.. Enumerable.Range(0, 128).Select(i => i < 16 ? 7.1f : 0.1f)];
        double[] errors = [.. ((float[][])[[], importance]).Select(m =>
        {
            sbyte[] first = new sbyte[128], second = new sbyte[128];
            TritFit fit = TritSolver.Solve(weights, m, first, second);
            return Enumerable.Range(0, 128).Sum(i => importance[i]
                * Math.Pow(weights[i] - (double)fit.First * first[i] - (double)fit.Second * second[i], 2));
        })];
        Assert.True(errors[1] < errors[0]);
    }

    [Theory]
    [InlineData(TritStorage.Base3, 0, false, 0)]
    [InlineData(TritStorage.TwoBits, 128, true, 0)]
    [InlineData(TritStorage.Base3, 50, false, 0.01)]
    public void AModelIsTheSameOnAnyNumberOfThreadsAndReadsBack(TritStorage storage, int group, bool weighted, double outliers)
    {
        using var folder = new TempFolder();
        TinyLlama.Write(folder["m"]);
        using var opened = Model.Open(folder["m"]);
        Recipe recipe = RecipeCatalogue.Find("ptqtp");
        recipe = recipe with
        {
            Grid = new TritGridSpec { Storage = storage },
            Solver = [new NearestStep { Importance = weighted ? ColumnImportance.Diagonal : ColumnImportance.None }],
            Outliers = outliers == 0 ? null : new OutlierPart { Share = outliers },
            LowRank = outliers == 0 ? null : new LowRankPart { Rank = 2 },
        };
        Assert.Null(recipe.Problem);
        byte[][] files = [.. ((int[])[1, 3]).Select(count =>
        {
            using var workers = new Workers(count);
            var plan = QuantizationPlan.Create(opened,
                new QuantizationOptions { Recipe = recipe, Granularity = new Granularity(group) }, workers);
            IReadOnlyList<QuantizedTensorReport> reports = new Quantizer(plan).Run(folder[$"{count}"]);
            Assert.All(reports.Where(report => report.Layout is TritLayout), report =>
                Assert.InRange(report.Error.Relative, 0, weighted ? 0.1 : 0.04));
            Assert.Equal(14, reports.Count(report => report.Layout is TritLayout));
            return File.ReadAllBytes(folder[$"{count}/model.safetensors"]);
        })];
        Assert.Equal(files[0], files[1]);
    }
}
