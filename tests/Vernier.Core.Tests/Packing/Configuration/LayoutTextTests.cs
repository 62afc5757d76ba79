using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files;
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

/// <summary>The text of each layout in config.json, and what is said of an entry that breaks a rule.</summary>
public class LayoutTextTests
{
    private static readonly ScalarLayout s_scalar = new(10, 20, 4, Granularity.Group(8), 10, 1, false, false);

    public static TheoryData<PackedLayout, string> Texts => new()
    {
        { s_scalar, """{"shape":[10,20],"bits":4,"group":8}""" },
        {
            s_scalar with { Granularity = Granularity.Channel, RowsPerGrid = 3 },
            """{"shape":[10,20],"bits":4,"group":0,"rows_per_grid":3}"""
        },
        { s_scalar with { Granularity = Granularity.Tensor, Tables = 8 }, """{"shape":[10,20],"bits":4,"group":-1,"tables":8}""" },
        {
            s_scalar with { Bits = 8, WideLevels = true, ZeroPoints = true },
            """{"shape":[10,20],"bits":8,"group":8,"wide_levels":true,"zero_points":true}"""
        },
        {
            s_scalar with { FloatLevels = true, ScaleFormat = ScaleFormat.E8M0 },
            """{"shape":[10,20],"bits":4,"group":8,"float_levels":true,"scale_format":"e8m0"}"""
        },
        {
            s_scalar with { ScaleFormat = ScaleFormat.E4M3, Rank = 10 },
            """{"shape":[10,20],"bits":4,"group":8,"scale_format":"e4m3","rank":10}"""
        },
        { s_scalar with { Outliers = 200 }, """{"shape":[10,20],"bits":4,"group":8,"outliers":200}""" },
        {
            s_scalar with { OutlierColumns = 20, OutlierSource = ElementType.F32 },
            """{"shape":[10,20],"bits":4,"group":8,"outlier_columns":20,"outlier_type":"F32"}"""
        },
        { new TritLayout(3, 7, 0, TritStorage.Base3), """{"shape":[3,7],"layout":"trits","group":0,"storage":"base3"}""" },
        { new TritLayout(3, 7, 4, TritStorage.TwoBits), """{"shape":[3,7],"layout":"trits","group":4,"storage":"two-bits"}""" },
        { new TwoLevelLayout(3, 7, 2, 4), """{"shape":[3,7],"layout":"two-level","bits":2,"group":4}""" },
        { new BlockLayout(3, 256, BlockFormats.Q6_K), """{"shape":[3,256],"layout":"ggml","type":"Q6_K"}""" },
        {
            new VectorLayout(32, 64, 2, 6, 16, 32) { BlockColumns = 16 },
            """{"shape":[32,64],"layout":"vector","dimension":2,"index_bits":6,"book_rows":16,"book_columns":32,"block_columns":16}"""
        },
        {
            new VectorLayout(7, 5, 1, 3, 7, 5) { BookRank = 8 },
            """{"shape":[7,5],"layout":"vector","dimension":1,"index_bits":3,"book_rows":7,"book_columns":5,"book_rank":8}"""
        },
    };

    public static TheoryData<string, string> Faults => new()
    {
        { "3", "'shape' is not a list of two sizes" },
        { "{}", "'shape' is not a list of two sizes" },
        { """{"shape":[1,2,3]}""", "'shape' is not a list of two sizes" },
        { """{"shape":[0,1]}""", "'shape' is not a whole number from 1 to 2147483647" },
        { """{"shape":[1,2147483648]}""", "'shape' is not a whole number from 1 to 2147483647" },
        { """{"shape":[1,1.5]}""", "'shape' is not a whole number from 1 to 2147483647" },
        { """{"shape":[2,2],"layout":7}""", "'layout' is no text" },
        { """{"shape":[2,2],"layout":"Scalar"}""", "the layout 'Scalar' is unknown" },
        { """{"shape":[2,2],"group":8}""", "'bits' is missing" },
        { """{"shape":[2,2],"bits":4}""", "'group' is missing" },
        { """{"shape":[2,2],"bits":1,"group":8}""", "'bits' is not a whole number from 2 to 8" },
        { """{"shape":[2,2],"bits":"4","group":8}""", "'bits' is not a whole number from 2 to 8" },
        { """{"shape":[2,2],"bits":4,"group":-2}""", "'group' is not a whole number from -1 to 2147483647" },
        { """{"shape":[2,2],"bits":4,"group":8,"tables":6}""", "'tables' is not a power of two" },
        { """{"shape":[2,2],"bits":4,"group":8,"tables":16}""", "'tables' is not a whole number from 1 to 8" },
        { """{"shape":[2,2],"bits":4,"group":8,"zero_points":"yes"}""", "'zero_points' is neither true nor false" },
        { """{"shape":[2,2],"bits":4,"group":8,"scale_format":"E4M3"}""", "the scale format 'E4M3' is unknown" },
        { """{"shape":[2,2],"bits":4,"group":8,"rows_per_grid":3}""", "'rows_per_grid' is not a whole number from 1 to 2" },
        {
            """{"shape":[2,2],"bits":4,"group":8,"float_levels":true,"zero_points":true}""",
            "'float_levels' go neither with 'wide_levels' nor with 'zero_points'"
        },
        {
            """{"shape":[2,2],"bits":4,"group":8,"tables":2,"scale_format":"e4m3"}""",
            "scales of one byte have no room for a choice of 'tables'"
        },
        { """{"shape":[2,2],"bits":4,"group":8,"outliers":5}""", "'outliers' is not a whole number from 1 to 4" },
        { """{"shape":[2,2],"bits":4,"group":8,"outliers":1,"outlier_columns":1}""", "it has both 'outliers' and 'outlier_columns'" },
        { """{"shape":[2,2],"bits":4,"group":8,"outlier_type":"F16"}""", "it has an 'outlier_type' and no outliers" },
        {
            """{"shape":[2,2],"bits":4,"group":8,"outliers":1,"outlier_type":"F64"}""",
            "the type of outliers 'F64' is not F16, BF16 or F32"
        },
        { """{"shape":[2,2],"bits":4,"group":8,"rank":3}""", "'rank' is not a whole number from 1 to 2" },
        { """{"shape":[2,2],"layout":"trits","group":0}""", "the storage of trits '' is unknown" },
        { """{"shape":[2,2],"layout":"trits","group":0,"storage":"base4"}""", "the storage of trits 'base4' is unknown" },
        { """{"shape":[2,2],"layout":"two-level","bits":9,"group":0}""", "'bits' is not a whole number from 2 to 8" },
        { """{"shape":[2,2],"layout":"ggml"}""", "the type '' is unknown" },
        { """{"shape":[2,2],"layout":"ggml","type":"Q9_9"}""", "the type 'Q9_9' is unknown" },
        {
            """{"shape":[2,96],"layout":"ggml","type":"Q4_K"}""",
            "its 96 columns are no whole number of blocks of Q4_K, which have 256"
        },
        { Vector("\"dimension\":3"), "'dimension' is not 1, 2 or 4" },
        { Vector("\"dimension\":5"), "'dimension' is not a whole number from 1 to 4" },
        { Vector("\"dimension\":2", rows: 24), "'book_rows' is neither a multiple of 16 nor all rows" },
        { Vector("\"dimension\":2", columns: 36), "'book_columns' is neither a multiple of 8 nor all columns" },
        { Vector("\"dimension\":2,\"block_columns\":24"), "'block_columns' is no multiple of 8 that divides 'book_columns'" },
        {
            Vector("\"dimension\":1,\"book_rank\":17"),
            "'book_rank' is above the number of entries, or the codebooks are of more than one dimension"
        },
    };

    [Theory]
    [MemberData(nameof(Texts), DisableDiscoveryEnumeration = true)]
    public void EachLayoutHasItsTextAndComesBack(PackedLayout layout, string text)
    {
        var config = new QuantizationConfig("mine", new Dictionary<string, PackedLayout>(StringComparer.Ordinal) { ["w"] = layout });
        JsonObject json = config.ToJson();
        Assert.Equal($$$"""{"quant_method":"vernier","format":1,"recipe":"mine","tensors":{"w":{{{text}}}}}""", json.ToJsonString());
        QuantizationConfig read = Read(json.ToJsonString());
        Assert.Equal(("mine", layout), (read.Recipe, read.Tensors["w"]));
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public void WhatIsWrongWithAnEntryIsSaid(string text, string problem)
    {
        string json = $$$"""{"quant_method":"vernier","format":1,"tensors":{"w":{{{text}}}}}""";
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => Read(json));
        Assert.Equal(("quantization-tensor", problem), (error.Rule, error.Problem));
        Assert.Equal(("config.json", "w"), (error.File, error.Tensor));
        bool later = problem.EndsWith("is unknown", StringComparison.Ordinal) && !problem.StartsWith("the type", StringComparison.Ordinal);
        string remedy = later ? "Use the version of Vernier that wrote the model, or a later one" : "Quantize the model again";
        Assert.Equal(remedy, error.Remedy);
    }

    private static string Vector(string more, int rows = 16, int columns = 32) =>
        $$"""{"shape":[32,64],"layout":"vector","index_bits":4,"book_rows":{{rows}},"book_columns":{{columns}},{{more}}}""";

    private static QuantizationConfig Read(string json)
    {
        byte[] text = Encoding.UTF8.GetBytes($$$"""{"quantization_config":{{{json}}}}""");
        using JsonDocument document = StrictJson.Parse(text, "config.json");
        return QuantizationConfig.Read(document.RootElement, "config.json")!;
    }
}
