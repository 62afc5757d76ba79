using Vernier.Kernels;
using Vernier.Kernels.Preparing;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Scalar;
using Vernier.Packing.TwoLevel;
using Vernier.Tests.Packing;

namespace Vernier.Tests;

/// <summary>Rows of scalar matrices that are prepared, against those of the matrix; other layouts are checked with their sources.</summary>
[UsesInstructions]
public class PreparedRowsTests
{
    [Theory]
    [InlineData("uniform")]
    [InlineData("asymmetric")]
    [InlineData("power")]
    [InlineData("wide")]
    [InlineData("levels")]
    public void RowsAreThoseOfTheMatrixBitByBit(string kind)
    {
        var random = new Random(7);
        for (int bits = 2; bits <= 8; bits++)
        {
            foreach ((int rows, int columns, int group) in ((int, int, int)[])[(37, 130, 32), (16, 64, 64), (50, 300, 100)])
            {
                ScalarMatrix matrix = RandomPacked.Create(random, rows, columns, bits, Granularity.Group(group), kind);
                Assert.NotNull(PreparedMatrices.Rows(matrix.Layout, Assert.IsType<PreparedWeight>(matrix.Prepare(Workers.Shared))));
                SourceWeights.CheckRows(matrix);
            }
        }
    }

    [Fact]
    public void TablesOfGroupsAndOfRowsAreFound()
    {
        var random = new Random(8);
        for (int bits = 2; bits <= 5; bits++)
        {
            SourceWeights.CheckRows(RandomPacked.Create(random, 70, 200, bits, Granularity.Group(40), "power", tables: 4));
            SourceWeights.CheckRows(RandomPacked.Create(random, 70, 200, bits, Granularity.Channel, "levels", rowsPerGrid: 20));
        }
    }

    [Fact]
    public void WhatIsRoundedTwiceIsNotOffered()
    {
        var layout = new TwoLevelLayout(32, 64, 4, 32);
        ScalarMatrix matrix = RandomPacked.Create(new Random(1), 32, 64, 4, Granularity.Group(32), "uniform");
        Assert.Null(PreparedMatrices.Rows(layout, matrix.Prepare(Workers.Shared)!));
        PreparedRows rows = PreparedMatrices.Rows(matrix.Layout, matrix.Prepare(Workers.Shared)!)!;
        Refusal.Of<ArgumentOutOfRangeException>("row", () => rows.Decode(32, new float[64]));
        Refusal.Of<ArgumentOutOfRangeException>("row", () => rows.Decode(-1, new float[64]));
    }
}
