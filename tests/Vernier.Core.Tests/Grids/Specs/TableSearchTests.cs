using Vernier.Grids;
using Vernier.Grids.Power;
using Vernier.Grids.Specs;
using Vernier.Grids.Uniform;
using Vernier.Levels;
using Vernier.Numerics;

namespace Vernier.Tests.Grids;

/// <summary>The choice of level tables by their error on samples.</summary>
public class TableSearchTests
{
    private static readonly LevelTable[] s_tables =
    [
        UniformGrid.Create(3, LevelLayout.Full), PowerGrid.Create(3, LevelLayout.Full, 0.4), PowerGrid.Create(3, LevelLayout.Full, 0.6),
        UniformGrid.Create(3, LevelLayout.MidRise), PowerGrid.Create(3, LevelLayout.MidRise, 0.5),
    ];

    [Fact]
    public void TheErrorIsTheSumOverGranulesInUnitsOfTheRealWeights()
    {
        GranuleSample[] samples = [Sample(7, 24, 1, 4), Sample(65, 7, 2, 0.25)];
        var fit = new ScaleSearch();
        var search = new TableSearch(samples, fit, Workers.Shared);
        foreach (LevelTable table in s_tables)
        {
            double expected = samples.Sum(sample => sample.ErrorUnit
                * Enumerable.Range(0, sample.Count).Sum(i => fit.Fit(sample.Weights(i), [], [table], []).Error));
            Assert.Equal(expected, search.Error(table), 1e-9 * expected);
        }
        Assert.Equal(0, new TableSearch([], fit, Workers.Shared).Error(s_tables[0]));
    }

    [Fact]
    public void TheBestIsTakenAndOfEqualsTheFirst()
    {
        var search = new TableSearch([Sample(40, 32, 3, 1)], new ScaleSearch(), Workers.Shared);
        LevelTable best = s_tables.MinBy(search.Error)!;
        Assert.Same(best, search.One(s_tables));
        Assert.Same(best, search.One([.. Enumerable.Reverse(s_tables)]));
        LevelTable twin = best.WithUnit(best.Unit * 2);
        Assert.Same(best, search.One([best, twin]));
        Assert.Same(twin, search.One([twin, best]));
        Assert.Same(s_tables[3], new TableSearch(null!, null!, Workers.Shared).One([s_tables[3]]));
        Refusal.Of<ArgumentNullException>("candidates", () => search.One(null!));
        Refusal.Of<ArgumentNullException>("candidates", () => search.Several(null!, 2));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void SeveralAreAsGoodAsAnySetOneExchangeAway(int count)
    {
        GranuleSample sample = Mixed();
        var fit = new ScaleSearch();
        LevelTable[] chosen = new TableSearch([sample], fit, Workers.Shared).Several(s_tables, count);
        Assert.Equal(count, chosen.Length);
        Assert.Equal(chosen.OrderBy(table => Array.IndexOf(s_tables, table)), chosen);
        double least = Error(chosen);
        for (int i = 0; i < count; i++)
        {
            foreach (LevelTable other in s_tables)
            {
                LevelTable[] exchanged = [.. chosen];
                exchanged[i] = other;
                Assert.True(Error(exchanged) >= least * (1 - 1e-9));
            }
        }

        double Error(LevelTable[] tables) => Enumerable.Range(0, sample.Count)
            .Sum(i => tables.Min(table => fit.Fit(sample.Weights(i), [], [table], []).Error));
    }

    [Fact]
    public void AGranuleHasItsOwnWeightsAndImportance()
    {
        var sample = new GranuleSample([1, 2, 3, 4, 5], [6, 7, 8, 9, 10], [(0, 2), (2, 0), (1, 4)], 0.5);
        Assert.Equal((3, 0.5), (sample.Count, sample.ErrorUnit));
        Assert.Equal([1, 2], sample.Weights(0).ToArray());
        Assert.Equal([7, 8, 9, 10], sample.Importance(2).ToArray());
        Assert.True(sample.Weights(1).IsEmpty && sample.Importance(1).IsEmpty);
        Assert.True(new GranuleSample([1, 2], [], [(0, 2)], 1).Importance(0).IsEmpty);
    }

    [Fact]
    public void APowerOfTwoKeepsTheSignOfAMirroredScale()
    {
        // Full levels reach further below zero: these weights want the mirror image.
        LevelTable table = UniformGrid.Create(2, LevelLayout.Full);
        float[] weights = [0.9f, 1, 0.95f, -0.45f, -0.5f, 0.5f, 0];
        var search = new ScaleSearch(mirror: true);
        byte[] codes = new byte[weights.Length], free = new byte[weights.Length];
        FittedGranule fitted = search.Fit(weights, [], [table], free),
            constrained = new PowerOfTwoScale(search, ratios: false).Fit(weights, [], [table], codes);
        Assert.True(fitted.Scale < Half.Zero);
        Assert.Equal(-Math.Pow(2, Math.Ceiling(Math.Log2(-(double)fitted.Scale))), (double)constrained.Scale);
        Assert.Equal(weights.Select((weight, i) => Math.Pow(weight - (double)constrained.Scale * table.Values[codes[i]], 2)).Sum(),
            constrained.Error, 1e-6);
        Refusal.Of<ArgumentException>("tables", () => new PowerOfTwoScale(search, false).Fit(weights, [], [table, table], []));
    }

    private static GranuleSample Sample(int granules, int length, int seed, double unit) =>
        new(TinyModel.Gaussian(granules * length, seed, 0.2), [], Enumerable.Range(0, granules).Select(i => (i * length, length)), unit);

    /// <summary>Granules of even weights, of normal ones and of a few large ones.</summary>
    private static GranuleSample Mixed()
    {
        var random = new Random(9);
        float[] weights = [.. Enumerable.Range(0, 48 * 32).Select(i => (float)(i / 32 % 3 == 0 ? random.NextDouble() - 0.5
            : Math.Pow(random.NextDouble() - 0.5, i / 32 % 3 == 1 ? 3 : 9)))];
        return new GranuleSample(weights, [], Enumerable.Range(0, 48).Select(i => (i * 32, 32)), 1);
    }
}
