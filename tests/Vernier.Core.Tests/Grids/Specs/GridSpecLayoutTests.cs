using Vernier.Files.Gguf.Blocks;
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
using Vernier.Packing;
using Vernier.Packing.Ggml;
using Vernier.Packing.Scalar;
using Vernier.Packing.Trits;
using Vernier.Packing.TwoLevel;
using Vernier.Packing.Vectors;

namespace Vernier.Tests.Grids;

/// <summary>How matrices of odd shapes are stored on each grid, in bytes that are counted by hand.</summary>
public class GridSpecLayoutTests
{
    private static readonly Granularity s_four = Granularity.Group(4);

    [Fact]
    public void UniformMatricesTakeGridLevelsScalesZerosAndCodes()
    {
        // Grid 12, levels 8, scales 5 x 2 x 2, codes 5 x ceil(21 / 8).
        Stored(12 + 8 + 20 + 15, new UniformGridSpec(), 5, 7, 3, s_four);
        Stored(12 + 8 + 10 + 15, new UniformGridSpec(), 5, 7, 3, Granularity.Channel);
        Stored(12 + 8 + 2 + 15, new UniformGridSpec(), 5, 7, 3, Granularity.Tensor);
        Stored(12 + 4 + 2 + 1, new UniformGridSpec(), 1, 1, 2, Granularity.Group(64));
        Stored(3 * 12 + 3 * 8 + 20 + 15, new UniformGridSpec { Scope = GridScope.Rows, Rows = 2 }, 5, 7, 3, s_four);
        Stored(12 + 8 + 20 + 15, new UniformGridSpec { Scope = GridScope.Rows }, 5, 7, 3, s_four);
        var asymmetric = new UniformGridSpec { Layouts = [LevelLayout.Asymmetric] };
        Stored(12 + 8 + 20 + 5 + 15, asymmetric, 5, 7, 3, s_four);
        Stored(12 + 512 + 20 + 10 + 35, asymmetric, 5, 7, 8, s_four);
        Stored(12 + 512 + 20 + 35, new UniformGridSpec { Layouts = [LevelLayout.MidRise] }, 5, 7, 8, s_four);
        Stored(12 + 256 + 20 + 35, new UniformGridSpec { Layouts = [LevelLayout.Symmetric] }, 5, 7, 8, s_four);
    }

    [Fact]
    public void ABlockOfTheFormatOverrulesTheGroupAndScalesTakeOneByte()
    {
        foreach (ScaleFormat format in (ScaleFormat[])[ScaleFormat.E8M0, ScaleFormat.E4M3])
        {
            var spec = new UniformGridSpec { ScaleFormat = format, Block = 16 };
            Assert.Equal(Granularity.Group(16), spec.GranularityOf(s_four));
            var layout = (ScalarLayout)Stored(12 + 16 + 15 + 85, spec, 5, 33, 4, s_four);
            Assert.Equal((16, format), (layout.GroupColumns, layout.ScaleFormat));
        }
        Assert.Equal(s_four, new UniformGridSpec().GranularityOf(s_four));
    }

    [Fact]
    public void TablesAreFewerWhereTheyAreLarge()
    {
        Stored(4 * 12 + 4 * 16 + 10 + 20, new CodebookGridSpec { Tables = 4 }, 5, 7, 4, Granularity.Channel);
        Stored(12 + 2 * 128 + 10 + 35, new CodebookGridSpec { Tables = 4 }, 5, 7, 7, Granularity.Channel);
        Stored(4 * 12 + 4 * 8 + 10 + 15, new PowerGridSpec { Tables = 4 }, 5, 7, 3, Granularity.Channel);
        Stored(12 + 8 + 10 + 15, new PowerGridSpec { Tables = 4, Exponent = 0.5 }, 5, 7, 3, Granularity.Channel);
        int[] expected = [8, 8, 8, 4, 2, 1, 1];
        Assert.Equal(expected, Enumerable.Range(2, 7).Select(bits => new CodebookGridSpec { Tables = 8 }.TablesFor(bits)));
        Assert.Equal(expected, Enumerable.Range(2, 7).Select(bits => new PowerGridSpec { Tables = 8 }.TablesFor(bits)));
    }

    [Fact]
    public void FloatsOfFewBitsTakeBytesWordsOrSingles()
    {
        Stored(12 + 16 + 10 + 20, new NormalFloatGridSpec(), 5, 7, 4, Granularity.Channel);
        Stored(12 + 512 + 10 + 35, new NormalFloatGridSpec(), 5, 7, 8, Granularity.Channel);
        Stored(12 + 16 + 10 + 20, new MinifloatGridSpec { ExponentBits = [1, 2] }, 5, 7, 4, Granularity.Channel);
        Stored(12 + 16 + 10 + 20, new MinifloatGridSpec { Formats = ["e2m1"] }, 5, 7, 8, Granularity.Channel);
        Stored(12 + 2 * 64 + 10 + 30, new MinifloatGridSpec { Formats = ["e3m2"] }, 5, 7, 2, Granularity.Channel);
        Stored(12 + 4 * 256 + 10 + 35, new MinifloatGridSpec { Formats = ["ocp-e5m2"] }, 5, 7, 4, Granularity.Channel);
        Assert.Equal(8, new MinifloatGridSpec { Formats = ["ocp-e4m3"] }.FixedBits);
        Assert.Null(new MinifloatGridSpec { ExponentBits = [1] }.FixedBits);
    }

    [Fact]
    public void TritsAndTwoLevelsCountTheirGroups()
    {
        // Unit 4, scales 5 x 3 x 2 x 2, two planes of 5 x ceil(9 / 5) or 5 x ceil(9 / 4).
        Stored(4 + 60 + 20, new TritGridSpec(), 5, 9, 3, s_four);
        Stored(4 + 60 + 30, new TritGridSpec { Storage = TritStorage.TwoBits }, 5, 9, 3, s_four);
        Stored(4 + 20 + 20, new TritGridSpec(), 5, 9, 3, Granularity.Channel);
        Stored(4 + 20 + 20, new TritGridSpec(), 5, 9, 3, Granularity.Tensor);
        // Unit 4, scales 10, factors 15, zeros 5 x ceil(9 / 8), codes 5 x ceil(27 / 8).
        Stored(4 + 10 + 15 + 10 + 20, new TwoLevelGridSpec(), 5, 9, 3, s_four);
        Stored(4 + 10 + 5 + 5 + 20, new TwoLevelGridSpec(), 5, 9, 3, Granularity.Tensor);
    }

    [Theory]
    [InlineData(2, "Q2_K", 252, "Q4_0", 108)]
    [InlineData(3, "Q3_K", 330, "Q4_0", 108)]
    [InlineData(4, "Q4_K", 432, "Q4_0", 108)]
    [InlineData(5, "Q5_K", 528, "Q5_0", 132)]
    [InlineData(6, "Q6_K", 630, "Q8_0", 204)]
    [InlineData(7, "Q8_0", 816, "Q8_0", 204)]
    [InlineData(8, "Q8_0", 816, "Q8_0", 204)]
    public void BlockFormatsFollowTheBitsAndTheColumns(int bits, string super, long superBytes, string plain, long plainBytes)
    {
        Assert.Equal(super, ((BlockLayout)Stored(superBytes, new GgmlGridSpec(), 3, 256, bits, s_four)).Format.Name);
        Assert.Equal(plain, ((BlockLayout)Stored(plainBytes, new GgmlGridSpec(), 3, 64, bits, s_four)).Format.Name);
        Assert.Null(new GgmlGridSpec().LayoutOf(3, 33, bits, s_four));
        var given = new GgmlGridSpec { Format = BlockFormats.MXFP4 };
        Assert.Equal("MXFP4", ((BlockLayout)Stored(3 * 34, given, 3, 64, bits, s_four)).Format.Name);
    }

    [Fact]
    public void CodebooksAreAsManyAsTheGroupPaysFor()
    {
        // 16 / 64 bits a weight pay for all rectangles of 16 x 32: units 4, eight codebooks of 4, eight scales, codes 64 x 16.
        var layout = (VectorLayout)Stored(4 + 32 + 16 + 1024, new VectorGridSpec(), 64, 64, 2, Granularity.Channel);
        Assert.Equal((16, 32, 8), (layout.BookRows, layout.BookColumns, layout.Books));
        Stored(4 + 4 + 2 + 1024, new VectorGridSpec(), 64, 64, 2, Granularity.Tensor);
        // One block a row: two units, and a byte a row.
        Stored(8 + 4 + 2 + 64 + 1024, new VectorGridSpec { BlockColumns = 16 }, 64, 64, 2, Granularity.Tensor);
        // A codebook of 64 vectors of 2 is 0.22 bits of 48 x 96 weights; there is no room for a second.
        layout = (VectorLayout)Stored(4 + 128 + 2 + 48 * 36, new VectorGridSpec { Dimension = 2 }, 48, 96, 3, Granularity.Group(64));
        Assert.Equal((48, 96), (layout.BookRows, layout.BookColumns));
        // Eight coefficients a codebook, and a basis of 8 x 16.
        layout = (VectorLayout)Stored(4 + 64 + 128 + 16 + 2048, new VectorGridSpec { Rank = 0.5 }, 64, 64, 4, Granularity.Channel);
        Assert.Equal((8, 8), (layout.BookRank, layout.Books));
    }

    private static PackedLayout Stored(long bytes, GridSpec spec, int rows, int columns, int bits, Granularity granularity)
    {
        Assert.Null(spec.Problem);
        PackedLayout layout = Assert.IsAssignableFrom<PackedLayout>(spec.LayoutOf(rows, columns, bits, granularity));
        Assert.IsType(spec.LayoutType, layout);
        Assert.Equal((rows, columns, bytes), (layout.Rows, layout.Columns, layout.StoredBytes));
        return layout;
    }
}
