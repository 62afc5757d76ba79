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

namespace Vernier.Tests.Grids;

/// <summary>What each family of grids refuses, and in which words.</summary>
public class GridSpecRuleTests
{
    private const string NoLayout = "the grid has no layout";
    private const string OneByte = "scales of one byte have no sign, one table and no zero point";
    private const string Among = "the asymmetric layout can't be chosen among others: it stores zero points";
    private const string TableCount = "the number of tables is not 1, 2, 4 or 8";
    private const string Codebooks = "the layout of codebooks is full";

    public static IReadOnlyList<GridSpec> Sound =>
    [
        new UniformGridSpec(),
        new UniformGridSpec { Layouts = [LevelLayout.Symmetric, LevelLayout.Full, LevelLayout.MidRise], Mirror = true, Rows = 1, Block = 1 },
        new UniformGridSpec { Layouts = [LevelLayout.Asymmetric] },
        new UniformGridSpec { ScaleFormat = ScaleFormat.E8M0, Block = 32 },
        new PowerGridSpec { Exponent = 0.2, Tables = 8 },
        new PowerGridSpec { Exponent = 1.2, Layouts = [LevelLayout.Offset] },
        new CodebookGridSpec { Tables = 4 },
        new NormalFloatGridSpec { ScaleFormat = ScaleFormat.E4M3 },
        new MinifloatGridSpec { ExponentBits = [1, 7] },
        new MinifloatGridSpec { Formats = ["e2m1", "e1m2"] },
        new GgmlGridSpec(),
        new TritGridSpec(),
        new TwoLevelGridSpec(),
        new VectorGridSpec { Dimension = 4, BlockColumns = 256 },
        new VectorGridSpec { Rank = 0.01 },
    ];

    [Fact]
    public void SoundGridsHaveNoProblem() => Assert.All(Sound, spec => Assert.Null(spec.Problem));

    [Fact]
    public void ScalarGridsRefuseWhatTheirStorageCannotHold()
    {
        Refused(NoLayout, new UniformGridSpec { Layouts = [] });
        Refused("a group of rows has no rows", new UniformGridSpec { Rows = 0 });
        Refused("a group has no columns", new UniformGridSpec { Block = 0 });
        foreach (ScaleFormat format in (ScaleFormat[])[ScaleFormat.E8M0, ScaleFormat.E4M3])
        {
            Refused(OneByte, new UniformGridSpec { ScaleFormat = format, Mirror = true });
            Refused(OneByte, new UniformGridSpec { ScaleFormat = format, Layouts = [LevelLayout.Asymmetric] });
            Refused(OneByte, new PowerGridSpec { ScaleFormat = format, Tables = 2 });
            Refused(OneByte, new CodebookGridSpec { ScaleFormat = format, Tables = 8 });
        }
        Refused(Among, new UniformGridSpec { Layouts = [LevelLayout.Full, LevelLayout.Asymmetric] });
        Refused(
            "only a power grid has an exponent, an offset and a choice of tables", new UniformGridSpec { Layouts = [LevelLayout.Offset] });
    }

    [Fact]
    public void PowerGridsRefuseExponentsTablesAndLayouts()
    {
        foreach (int tables in (int[])[-1, 0, 3, 5, 16])
        {
            Refused(TableCount, new PowerGridSpec { Tables = tables });
            Refused(TableCount, new CodebookGridSpec { Tables = tables });
        }
        foreach (double exponent in (double[])[0.1999, 1.2001, 0, -1, double.PositiveInfinity, double.NaN])
            Refused("the exponent is not between 0.2 and 1.2", new PowerGridSpec { Exponent = exponent });
        Refused("a power grid is centred on zero: it has no asymmetric layout", new PowerGridSpec { Layouts = [LevelLayout.Asymmetric] });
        Refused(NoLayout, new PowerGridSpec { Layouts = [] });
    }

    [Fact]
    public void GridsOfOneLayoutRefuseEveryOther()
    {
        foreach (LevelLayout layout in Enum.GetValues<LevelLayout>())
        {
            IReadOnlyList<LevelLayout> one = [layout], two = [layout, layout];
            (GridSpec Spec, LevelLayout Only, string Problem)[] families =
            [
                (new CodebookGridSpec(), LevelLayout.Full, Codebooks),
                (new NormalFloatGridSpec(), LevelLayout.Full, "a normal-float grid has the full layout"),
                (new VectorGridSpec(), LevelLayout.Full, Codebooks),
                (new MinifloatGridSpec { ExponentBits = [1] }, LevelLayout.Symmetric, "a minifloat has the symmetric layout"),
                (new GgmlGridSpec(), LevelLayout.Symmetric, "block formats of ggml have the symmetric layout"),
                (new TritGridSpec(), LevelLayout.Symmetric, "planes of trits have the symmetric layout"),
                (new TwoLevelGridSpec(), LevelLayout.Asymmetric, "a two-level grid has the asymmetric layout"),
            ];
            foreach ((GridSpec spec, LevelLayout only, string problem) in families)
            {
                Assert.Equal([only], spec.Layouts);
                Assert.Equal(layout == only ? null : problem, (spec with { Layouts = one }).Problem);
                Refused(problem, spec with { Layouts = two });
                Refused(NoLayout, spec with { Layouts = [] });
            }
        }
    }

    [Fact]
    public void MinifloatsHaveFormatsOrBitsOfExponentWithOneAmongThem()
    {
        const string Either = "a minifloat has either formats or bits of exponent to choose from";
        const string Range = "bits of exponent are from 1 to 7, and 1 is among them, for few bits of code";
        Refused(Either, new MinifloatGridSpec());
        Refused(Either, new MinifloatGridSpec { ExponentBits = [1], Formats = ["e2m1"] });
        foreach (int[] bits in (int[][])[[0, 1], [1, 8], [2, 3], [-1]])
            Refused(Range, new MinifloatGridSpec { ExponentBits = bits });
        foreach (string name in (string[])["", "E2M1", "e0m3", "e9m1", "ocp-e2m1", "e4m4", "e2m1 "])
        {
            string problem = $"there is no format '{name}': e2m1 and the like, ocp-e4m3, ocp-e5m2";
            Refused(problem, new MinifloatGridSpec { Formats = ["e2m1", name] });
        }
        Refused("the formats differ in their bits", new MinifloatGridSpec { Formats = ["e2m1", "e3m2"] });
        Refused("a group of rows has no rows", new MinifloatGridSpec { ExponentBits = [1], Rows = -3 });
    }

    [Fact]
    public void VectorsHaveADimensionBlocksARankAndFewBits()
    {
        foreach (int dimension in (int[])[-1, 0, 3, 8])
            Refused("the dimension of vectors is not 1, 2 or 4", new VectorGridSpec { Dimension = dimension });
        foreach (int columns in (int[])[-16, 8, 17, 272])
        {
            var spec = new VectorGridSpec { BlockColumns = columns };
            Refused("the columns of a block are no multiple of 16 from 0 to 256", spec);
        }
        foreach (double rank in (double[])[0, -0.5, 1.0001, double.NaN])
            Refused("the rank is not above 0 and at most 1", new VectorGridSpec { Rank = rank });
        Refused("only codebooks of one dimension are stored as a product", new VectorGridSpec { Rank = 0.5, Dimension = 2 });
        foreach ((int dimension, int most) in ((int, int)[])[(1, 8), (2, 4), (4, 2)])
        {
            var spec = new VectorGridSpec { Dimension = dimension };
            Assert.Equal(most, spec.MostBits);
            for (int bits = 2; bits <= 8; bits++)
            {
                string problem = $"takes vectors of {dimension}: with {bits} bits a weight an index would have {bits * dimension} bits, "
                    + $"and 8 are the most. Take at most {most} bits, or another recipe";
                Assert.Equal(bits > most ? problem : null, spec.ProblemWithBits(bits));
            }
        }
        ArgumentException error = Assert.Throws<ArgumentException>(
            () => new VectorGridSpec { Dimension = 4 }.LayoutOf(16, 16, 3, Vernier.Packing.Granularity.Channel));
        Assert.Equal("bits", error.ParamName);
    }

    private static void Refused(string problem, GridSpec spec) => Assert.Equal(problem, spec.Problem);
}
