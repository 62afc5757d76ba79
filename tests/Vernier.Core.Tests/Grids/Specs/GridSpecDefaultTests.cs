using Vernier.Grids;
using Vernier.Grids.Codebook;
using Vernier.Grids.Ggml;
using Vernier.Grids.Minifloat;
using Vernier.Grids.NormalFloat;
using Vernier.Grids.Power;
using Vernier.Grids.Specs;
using Vernier.Grids.Trits;
using Vernier.Grids.TwoLevel;
using Vernier.Grids.Uniform;
using Vernier.Grids.Vectors;
using Vernier.Levels;
using Vernier.Numerics;
using Vernier.Packing;

namespace Vernier.Tests.Grids;

/// <summary>What holds where a recipe says nothing, and the tables that grids have to choose from.</summary>
public class GridSpecDefaultTests
{
    public static TheoryData<GridSpec, bool, bool, bool, bool, int?> Defaults => new()
    {
        // Serves embeddings, has its own scales, takes outliers, has a zero, fixed bits.
        { new UniformGridSpec(), false, false, true, true, null },
        { new PowerGridSpec(), false, false, true, true, null },
        { new CodebookGridSpec(), false, false, true, true, null },
        { new NormalFloatGridSpec(), false, false, true, true, null },
        { new MinifloatGridSpec { Formats = ["e3m4"] }, false, false, true, true, 8 },
        { new GgmlGridSpec(), true, false, false, true, null },
        { new TritGridSpec(), false, true, true, false, 3 },
        { new TritGridSpec { Storage = Vernier.Packing.Trits.TritStorage.TwoBits }, false, true, true, false, 4 },
        { new TwoLevelGridSpec(), false, true, true, true, null },
        { new VectorGridSpec(), false, false, false, true, null },
        { new UniformGridSpec { Layouts = [LevelLayout.MidRise] }, false, false, true, false, null },
        { new PowerGridSpec { Layouts = [LevelLayout.Full, LevelLayout.Offset] }, false, false, true, false, null },
    };

    [Theory]
    [MemberData(nameof(Defaults), DisableDiscoveryEnumeration = true)]
    public void FactsAreThoseOfTheFamily(GridSpec spec, bool embeddings, bool scales, bool outliers, bool zero, int? bits)
    {
        Assert.Equal((embeddings, scales, outliers), (spec.ServesEmbeddings, spec.HasOwnScales, spec.TakesOutliers));
        Assert.Equal((zero, bits), (spec.HasZero, spec.FixedBits));
        Assert.Equal(Granularity.Group(64), spec.DefaultGranularity);
        Assert.Equal(8, spec.MostBits);
        Assert.Null(spec.ProblemWithBits(8));
    }

    [Fact]
    public void ScalarOptionsHaveTheirDocumentedDefaults()
    {
        var uniform = new UniformGridSpec();
        Assert.Equal((false, GridScope.Layer, 64), (uniform.Mirror, uniform.Scope, uniform.Rows));
        Assert.Equal((ScaleFormat.Half, (int?)null, false), (uniform.ScaleFormat, uniform.Block, uniform.HasZeroPoints));
        Assert.Equal((1, 1, (double?)null), (new CodebookGridSpec().Tables, new PowerGridSpec().Tables, new PowerGridSpec().Exponent));
        var vectors = new VectorGridSpec();
        Assert.Equal((1, 0, 1.0), (vectors.Dimension, vectors.BlockColumns, vectors.Rank));
        Assert.True(new CodebookGridSpec().CountsColumns);
        Assert.False(uniform.CountsColumns);
    }

    [Fact]
    public void CandidatesAreEveryLayoutExponentAndOffset()
    {
        Assert.Equal(10, new PowerGridSpec().Candidates(4, RoundingRule.Nearest).Count);
        var both = new PowerGridSpec { Layouts = [LevelLayout.Full, LevelLayout.Offset] };
        IReadOnlyList<LevelTable> all = both.Candidates(4, RoundingRule.Nearest);
        Assert.Equal(10 + 10 * 6, all.Count);
        double[] exponents = [1.2, 1.1, 1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3];
        Assert.Equal(exponents, all.Take(10).Select(table => table.Exponent));
        Assert.Equal([0, 0.1, 0.2, 0.3, 0.4, 0.5], all.Skip(10).Take(6).Select(table => table.Offset));
        var given = new PowerGridSpec { Exponent = 0.5 };
        Assert.False(given.HasChoice(4));
        Assert.Equal(
            [.. Enumerable.Range(-8, 16).Select(j => (short)Math.Round(127.0 * Math.Sign(j) * j * j / 64))],
            Assert.Single(given.Candidates(4, RoundingRule.Nearest)).Levels.ToArray());
    }

    [Fact]
    public void ScalesOfE4M3MakeTheUnitSmallerByTheirRange()
    {
        LevelTable half = new UniformGridSpec().Candidates(4, RoundingRule.Nearest)[0];
        LevelTable narrow = new UniformGridSpec { ScaleFormat = ScaleFormat.E4M3 }.Candidates(4, RoundingRule.Nearest)[0];
        LevelTable power = new UniformGridSpec { ScaleFormat = ScaleFormat.E8M0 }.Candidates(4, RoundingRule.Nearest)[0];
        Assert.Equal((1f / 8, 1f / 2048, 1f / 8), (half.Unit, narrow.Unit, power.Unit));
        Assert.Equal(half.Levels.ToArray(), narrow.Levels.ToArray());
    }

    [Fact]
    public void TheTableThatHoldsTheSamplesExactlyIsChosen()
    {
        LevelTable[] candidates =
        [
            UniformGrid.Create(3, LevelLayout.Full), PowerGrid.Create(3, LevelLayout.Full, 0.5), PowerGrid.Create(3, LevelLayout.Full, 0.3),
        ];
        for (int best = 0; best < candidates.Length; best++)
        {
            GranuleSample sample = SampleOf([candidates[best]], 5);
            var search = new TableSearch([sample, sample], new ScaleSearch(), Workers.Shared);
            Assert.Same(candidates[best], search.One(candidates));
            Assert.Equal(0, search.Error(candidates[best]), 1e-12);
            Assert.All(candidates.Where((_, i) => i != best), other => Assert.True(search.Error(other) > 1e-4));
        }
        Assert.Same(candidates[1], new TableSearch([], new ScaleSearch(), Workers.Shared).One(candidates[1..2]));
    }

    [Fact]
    public void SeveralTablesServeEachGranuleInTheOrderOfTheCandidates()
    {
        LevelTable[] candidates = [.. ((double[])[1.2, 1, 0.8, 0.6, 0.4]).Select(a => PowerGrid.Create(3, LevelLayout.Full, a))];
        using var one = new Workers(1);
        using var three = new Workers(3);
        foreach (Workers workers in (Workers[])[one, three])
        {
            var search = new TableSearch([SampleOf([candidates[4], candidates[1]], 50)], new ScaleSearch(), workers);
            LevelTable[] chosen = search.Several(candidates, 2);
            Assert.Equal([1, 0.4], chosen.Select(table => table.Exponent));
        }
    }

    [Fact]
    public void GranulesOfASampleAreWhereTheyWereSaidToBe()
    {
        var sample = new GranuleSample([1, 2, 3, 4, 5], [9, 8, 7, 6, 5], [(0, 2), (1, 4)], 2.5);
        Assert.Equal((2, 2.5), (sample.Count, sample.ErrorUnit));
        Assert.Equal([1, 2], sample.Weights(0).ToArray());
        Assert.Equal([8, 7, 6, 5], sample.Importance(1).ToArray());
        Assert.True(new GranuleSample([1], [], [(0, 1)], 1).Importance(0).IsEmpty);
    }

    // Granules of all values of the tables, table after table, times a power of two.
    private static GranuleSample SampleOf(LevelTable[] tables, int times)
    {
        float[][] granules = [.. Enumerable.Range(0, times * tables.Length)
            .Select(i => tables[i % tables.Length].Values.ToArray().Select(value => value * MathF.ScaleB(1, -i % 4)).ToArray())];
        return new GranuleSample([.. granules.SelectMany(w => w)], [], granules.Select((w, i) => (i * w.Length, w.Length)), 1);
    }
}
