using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Files.Gguf.Blocks;
using Vernier.Levels;
using Vernier.Packing;
using Vernier.Packing.Configuration;
using Vernier.Packing.Ggml;
using Vernier.Packing.Scalar;
using Vernier.Packing.Trits;
using Vernier.Packing.TwoLevel;
using Vernier.Packing.Vectors;

namespace Vernier.Tests.Packing;

/// <summary>The arrays of each layout by name, type and shape, and what is said where a file has others.</summary>
public class LayoutArrayTests
{
    public static TheoryData<PackedLayout, string, double, string> Layouts => new()
    {
        {
            new ScalarLayout(5, 7, 3, Granularity.Group(4), 2, 2, false, true) { Outliers = 3 },
            "grid F32 6 3, levels I8 6 8, scales F16 5 2, zeros U8 5 1, codes U8 5 3, "
                + "outlier_counts U16 5, outlier_columns U16 3, outliers F16 3",
            3, "3 bits, group 4"
        },
        {
            new ScalarLayout(5, 7, 8, Granularity.Tensor, 5, 1, true, false) { OutlierColumns = 2, OutlierSource = ElementType.BF16 },
            "grid F32 1 3, levels I16 1 256, scales F16 1 1, codes U8 5 7, outlier_columns U16 2, outliers BF16 5 2", 8, "8 bits, tensor"
        },
        {
            new ScalarLayout(2, 65536, 2, Granularity.Channel, 2, 1, false, false) { FloatLevels = true, Outliers = 1, Rank = 2 },
            "grid F32 1 3, levels F32 1 4, scales F16 2 1, codes U8 2 16384, outlier_counts U32 2, outlier_columns U32 1, outliers F16 1, "
                + "low_rank_left I8 2 2, low_rank_right I8 2 65536, low_rank_scales F32 2",
            2, "2 bits, channel"
        },
        {
            new ScalarLayout(1, 33, 4, Granularity.Group(16), 1, 1, false, false) { ScaleFormat = ScaleFormat.E8M0 },
            "grid F32 1 3, levels I8 1 16, scales F8_E8M0 1 3, codes U8 1 17", 4, "4 bits, group 16"
        },
        {
            new ScalarLayout(1, 1, 2, Granularity.Group(16), 1, 1, false, false) { ScaleFormat = ScaleFormat.E4M3 },
            "grid F32 1 3, levels I8 1 4, scales F8_E4M3 1 1, codes U8 1 1", 2, "2 bits, group 16"
        },
        {
            new TritLayout(3, 11, 4, TritStorage.Base3), "unit F32 1, scales F16 3 3 2, trits U8 2 3 3", 3.2,
            "two planes of trits in base 3, group 4"
        },
        {
            new TritLayout(3, 13, 0, TritStorage.TwoBits), "unit F32 1, scales F16 3 1 2, trits U8 2 3 4", 4,
            "two planes of trits in 2 bits, channel"
        },
        {
            new TwoLevelLayout(3, 9, 3, 4), "unit F32 1, scales F16 3, factors I8 3 3, zeros U8 3 2, codes U8 3 4", 3,
            "3 bits within 8, group 4"
        },
        { new BlockLayout(3, 512, BlockFormats.Q4_K), "codes U8 3 288", 4, "Q4_K" },
        {
            new VectorLayout(20, 45, 2, 5, 16, 24) { BlockColumns = 8 },
            "units F32 2, codebooks I8 4 32 2, scales F16 4, blocks U8 20 3, codes U8 20 15", 2.5,
            "2.5 bits, vectors of 2, codebooks of 16 x 24, blocks of 8"
        },
        {
            new VectorLayout(3, 5, 1, 4, 3, 5) { BookRank = 6 },
            "units F32 1, codebooks I8 1 6, basis I8 6 16, scales F16 1, codes U8 3 3", 4,
            "4 bits, vectors of 1, codebooks of 3 x 5, rank 6"
        },
    };

    [Theory]
    [MemberData(nameof(Layouts), DisableDiscoveryEnumeration = true)]
    public void ArraysHaveTheirNamesTypesAndShapes(PackedLayout layout, string arrays, double bits, string summary)
    {
        IReadOnlyList<TensorInfo> all = layout.Arrays("w");
        Assert.All(all, array => Assert.StartsWith("w.", array.Name, StringComparison.Ordinal));
        Assert.Equal(arrays, string.Join(", ", all.Select(array => $"{array.Name[2..]} {array.Type} {string.Join(' ', array.Shape)}")));
        Assert.Equal(all.Sum(array => array.Bytes), layout.StoredBytes);
        Assert.Equal((bits, summary), (layout.CodeBits, layout.Summary));
    }

    [Theory]
    [MemberData(nameof(Layouts), DisableDiscoveryEnumeration = true)]
    public void AnArrayThatIsMissingOrOtherwiseIsNamed(PackedLayout layout, string arrays, double bits, string summary)
    {
        Assert.NotEqual((0, ""), (bits * arrays.Length, summary));
        IReadOnlyList<TensorInfo> all = layout.Arrays("w");
        for (int i = 0; i < all.Count; i++)
        {
            TensorInfo one = all[i];
            InvalidFileException error = Refused(layout, all.Where(array => array != one));
            Assert.Equal(("packed-array", "w"), (error.Rule, error.Tensor));
            Assert.Equal($"config.json lists it as packed, but there is no '{one.Name}'", error.Problem);
            TensorInfo other = one with { Shape = [.. one.Shape.Append(1)] };
            error = Refused(layout, all.Select(array => array == one ? other : array));
            Assert.Equal(("packed-shape", one.Name), (error.Rule, error.Tensor));
            string shape = string.Join(", ", one.Shape);
            Assert.Equal($"it is {one.Type} [{shape}, 1] and should be {one.Type} [{shape}]", error.Problem);
            other = one with { Type = one.Type == ElementType.BOOL ? ElementType.U8 : ElementType.BOOL };
            error = Refused(layout, all.Select(array => array == one ? other : array));
            Assert.Equal($"it is BOOL [{shape}] and should be {one.Type} [{shape}]", error.Problem);
        }
    }

    [Fact]
    public void ALayoutThatIsTooLargeForAnyFileIsRefusedByName()
    {
        var layout = new ScalarLayout(int.MaxValue, int.MaxValue, 8, Granularity.Group(1), 1, 8, false, false);
        InvalidFileException error = Refused(layout, [new("a", ElementType.U8, [1])]);
        Assert.Equal(("packed-size", "its packed size overflows", "w"), (error.Rule, error.Problem, error.Tensor));
    }

    [Fact]
    public void GranularitiesCountTheirScales()
    {
        (Granularity, int, int, int, string)[] cases =
        [
            (Granularity.Tensor, 1, 1, 100, "tensor"),
            (Granularity.Channel, 7, 1, 100, "channel"),
            (Granularity.Group(33), 7, 4, 33, "group 33"),
        ];
        foreach ((Granularity granularity, int rows, int columns, int width, string text) in cases)
        {
            Assert.Equal((rows, columns), (granularity.ScaleRows(7), granularity.ScaleColumns(100)));
            Assert.Equal((width, text), (granularity.Width(100), granularity.ToString()));
        }
        Assert.Equal((1, 3), (Granularity.Group(100).ScaleColumns(100), Granularity.Group(1).ScaleColumns(3)));
        Assert.Equal(1, Granularity.Group(int.MaxValue).ScaleColumns(int.MaxValue));
        Refusal.Of<ArgumentOutOfRangeException>("columns", () => Granularity.Group(0));
    }

    [Fact]
    public void TheNamesOfTheHouseAreRegisteredInOrder()
    {
        IReadOnlyList<string> names = PackedLayouts.Names;
        Assert.Equal(names.Order(StringComparer.Ordinal), names);
        Refusal.Of<ArgumentException>("name", () => PackedLayouts.Register("", _ => throw new InvalidOperationException()));
        Refusal.Of<ArgumentNullException>("read", () => PackedLayouts.Register("none", null!));
        Assert.DoesNotContain("none", PackedLayouts.Names);
        foreach (string name in (string[])["ggml", "scalar", "trits", "two-level", "vector"])
        {
            Assert.Contains(name, names);
            Action again = () => PackedLayouts.Register(name, _ => throw new InvalidOperationException());
            string message = Assert.Throws<ArgumentException>(again).Message;
            Assert.StartsWith($"there is a layout '{name}' already", message, StringComparison.Ordinal);
        }
    }

    private static InvalidFileException Refused(PackedLayout layout, IEnumerable<TensorInfo> arrays)
    {
        using var folder = new TempFolder();
        using (var writer = new CheckpointWriter(folder.Path, [.. arrays]))
        {
            while (writer.Current is TensorInfo tensor)
                writer.Write(tensor.Name, new byte[tensor.Bytes]);
            writer.Complete();
        }
        using Checkpoint checkpoint = Checkpoint.Open(folder.Path);
        return Assert.Throws<InvalidFileException>(() => PackedMatrixReader.Read(checkpoint, "w", layout));
    }
}
