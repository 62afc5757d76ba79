using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Levels;
using Vernier.Packing;
using Vernier.Packing.Configuration;
using Vernier.Packing.Scalar;
using Vernier.Packing.Trits;
using Vernier.Packing.TwoLevel;
using Vernier.Packing.Vectors;

namespace Vernier.Tests.Packing;

public class QuantizationConfigTests
{
    private static readonly QuantizationConfig s_config = new("nupes-datafree", new Dictionary<string, PackedLayout>(StringComparer.Ordinal)
    {
        ["a"] = new ScalarLayout(768, 256, 4, Granularity.Group(64), 768, 8, false, false),
        ["b"] = new ScalarLayout(10, 20, 8, Granularity.Channel, 4, 1, true, false),
        ["c"] = new ScalarLayout(10, 20, 3, Granularity.Tensor, 10, 1, false, true),
        ["d"] = new ScalarLayout(10, 20, 3, Granularity.Channel, 10, 1, false, false) { Outliers = 200 },
        ["e"] = new ScalarLayout(10, 20, 3, Granularity.Channel, 10, 1, false, false) { OutlierColumns = 20 },
        ["f"] = new VectorLayout(64, 96, 2, 6, 16, 32) { BlockColumns = 16, Outliers = 3 },
        ["g"] = new VectorLayout(7, 5, 1, 3, 7, 5) { BookRank = 4 },
        ["h"] = new ScalarLayout(10, 20, 8, Granularity.Group(32), 10, 1, false, false) {
            FloatLevels = true, ScaleFormat = ScaleFormat.E8M0 },
        ["i"] = new ScalarLayout(10, 20, 4, Granularity.Group(16), 10, 1, false, false) { ScaleFormat = ScaleFormat.E4M3 },
        ["l"] = new ScalarLayout(10, 20, 4, Granularity.Channel, 10, 1, false, false) { Outliers = 2, OutlierSource = ElementType.BF16 },
        ["m"] = new TritLayout(10, 20, 0, TritStorage.Base3),
        ["n"] = new TritLayout(10, 20, 128, TritStorage.TwoBits) { Outliers = 3, Rank = 2 },
        ["o"] = new ScalarLayout(10, 20, 4, Granularity.Channel, 10, 1, false, false) { Rank = 10 },
        ["p"] = new TwoLevelLayout(10, 20, 4, 128) { Outliers = 1 },
    });

    [Fact]
    public void WhatIsWrittenIsRead()
    {
        QuantizationConfig read = Read(Json(s_config.ToJson()))!;
        Assert.Equal(s_config.Recipe, read.Recipe);
        Assert.Equal(s_config.Tensors.OrderBy(pair => pair.Key, StringComparer.Ordinal),
            read.Tensors.OrderBy(pair => pair.Key, StringComparer.Ordinal));
    }

    [Fact]
    public void AModelThatIsNotQuantizedHasNone()
    {
        Assert.Null(Read("{}"));
        Assert.Null(Read("{\"quantization_config\": null}"));
    }

    public static TheoryData<string, string, string?> Faults { get; } = new()
    {
        { "quantization-method", "quant_method", "\"gptq\"" },
        { "quantization-method", "quant_method", null },
        { "quantization-format", "format", "2" },
        { "quantization-format", "format", "\"1\"" },
        { "quantization-tensors", "tensors", "[]" },
        { "quantization-tensor", "tensors", "{\"w\": 3}" },
        { "quantization-tensor", "tensors", "{\"w\": {\"shape\": [1], \"bits\": 4, \"group\": 64}}" },
        { "quantization-tensor", "tensors", "{\"w\": {\"shape\": [0, 1], \"bits\": 4, \"group\": 64}}" },
        { "quantization-tensor", "tensors", "{\"w\": {\"shape\": [1, 1], \"bits\": 9, \"group\": 64}}" },
        { "quantization-tensor", "tensors", "{\"w\": {\"shape\": [1, 1], \"bits\": 4.5, \"group\": 64}}" },
        { "quantization-tensor", "tensors", "{\"w\": {\"shape\": [1, 1], \"bits\": 4}}" },
        { "quantization-tensor", "tensors", "{\"w\": {\"shape\": [1, 1], \"bits\": 4, \"group\": -2}}" },
        { "quantization-tensor", "tensors", "{\"w\": {\"shape\": [1, 1], \"bits\": 4, \"group\": 64, \"rows_per_grid\": 2}}" },
        { "quantization-tensor", "tensors", "{\"w\": {\"shape\": [1, 1], \"bits\": 4, \"group\": 64, \"tables\": 3}}" },
        { "quantization-tensor", "tensors", "{\"w\": {\"shape\": [1, 1], \"bits\": 4, \"group\": 64, \"wide_levels\": 1}}" },
        { "quantization-tensor", "tensors",
            "{\"w\": {\"shape\": [1, 1], \"bits\": 8, \"group\": 64, \"wide_levels\": true, \"float_levels\": true}}" },
        { "quantization-tensor", "tensors", "{\"w\": {\"shape\": [1, 1], \"bits\": 4, \"group\": 64, \"scale_format\": \"e5m2\"}}" },
        { "quantization-tensor", "tensors",
            "{\"w\": {\"shape\": [1, 1], \"bits\": 4, \"group\": 64, \"scale_format\": \"e8m0\", \"tables\": 2}}" },
        { "quantization-tensor", "tensors", "{\"w\": {\"shape\": [2, 3], \"bits\": 4, \"group\": 64, \"outliers\": 7}}" },
        { "quantization-tensor", "tensors", "{\"w\": {\"shape\": [2, 3], \"bits\": 4, \"group\": 64, \"rank\": 3}}" },
        { "quantization-tensor", "tensors", "{\"w\": {\"shape\": [2, 3], \"layout\": \"two-level\", \"bits\": 1, \"group\": 0}}" },
        { "quantization-tensor", "tensors", "{\"w\": {\"shape\": [2, 3], \"layout\": \"two-level\", \"bits\": 4, \"group\": -1}}" },
        { "quantization-tensor", "tensors", "{\"w\": {\"shape\": [2, 3], \"bits\": 4, \"group\": 64, \"outlier_type\": \"F16\"}}" },
        { "quantization-tensor", "tensors",
            "{\"w\": {\"shape\": [2, 3], \"bits\": 4, \"group\": 64, \"outliers\": 1, \"outlier_type\": \"F64\"}}" },
        { "quantization-tensor", "tensors", "{\"w\": {\"shape\": [2, 3], \"layout\": \"trits\", \"group\": 0}}" },
        { "quantization-tensor", "tensors",
            "{\"w\": {\"shape\": [2, 3], \"layout\": \"trits\", \"group\": -1, \"storage\": \"base3\"}}" },
        { "quantization-tensor", "tensors",
            "{\"w\": {\"shape\": [2, 3], \"layout\": \"trits\", \"group\": 0, \"storage\": \"base4\"}}" },
        { "quantization-tensor", "tensors", "{\"w\": {\"shape\": [2, 3], \"layout\": \"quats\", \"group\": 0}}" },
        { "quantization-tensor", "tensors", "{\"w\": {\"shape\": [2, 3], \"bits\": 4, \"group\": 64, \"outliers\": 0}}" },
        { "quantization-tensor", "tensors", "{\"w\": {\"shape\": [2, 3], \"bits\": 4, \"group\": 64, \"outlier_columns\": 4}}" },
        { "quantization-tensor", "tensors",
            "{\"w\": {\"shape\": [2, 3], \"bits\": 4, \"group\": 64, \"outliers\": 1, \"outlier_columns\": 1}}" },
        { "quantization-tensor", "tensors",
            "{\"w\": {\"shape\": [32, 64], \"layout\": \"vector\", \"dimension\": 3, \"index_bits\": 4, \"book_rows\": 16,"
            + " \"book_columns\": 32}}" },
        { "quantization-tensor", "tensors",
            "{\"w\": {\"shape\": [32, 64], \"layout\": \"vector\", \"dimension\": 0, \"index_bits\": 4, \"book_rows\": 16,"
            + " \"book_columns\": 32}}" },
        { "quantization-tensor", "tensors",
            "{\"w\": {\"shape\": [32, 64], \"layout\": \"vector\", \"dimension\": 2, \"index_bits\": 1, \"book_rows\": 16,"
            + " \"book_columns\": 32}}" },
        { "quantization-tensor", "tensors",
            "{\"w\": {\"shape\": [32, 64], \"layout\": \"vector\", \"dimension\": 2, \"index_bits\": 9, \"book_rows\": 16,"
            + " \"book_columns\": 32}}" },
        { "quantization-tensor", "tensors",
            "{\"w\": {\"shape\": [32, 64], \"layout\": \"vector\", \"dimension\": 2, \"index_bits\": 4, \"book_rows\": 8,"
            + " \"book_columns\": 32}}" },
        { "quantization-tensor", "tensors",
            "{\"w\": {\"shape\": [32, 64], \"layout\": \"vector\", \"dimension\": 2, \"index_bits\": 4, \"book_rows\": 48,"
            + " \"book_columns\": 32}}" },
        { "quantization-tensor", "tensors",
            "{\"w\": {\"shape\": [32, 64], \"layout\": \"vector\", \"dimension\": 2, \"index_bits\": 4, \"book_rows\": 16,"
            + " \"book_columns\": 12}}" },
        { "quantization-tensor", "tensors",
            "{\"w\": {\"shape\": [32, 64], \"layout\": \"vector\", \"dimension\": 2, \"index_bits\": 4, \"book_rows\": 16,"
            + " \"book_columns\": 128}}" },
        { "quantization-tensor", "tensors",
            "{\"w\": {\"shape\": [32, 64], \"layout\": \"vector\", \"dimension\": 2, \"index_bits\": 4, \"book_rows\": 16,"
            + " \"book_columns\": 32, \"block_columns\": 24}}" },
        { "quantization-tensor", "tensors",
            "{\"w\": {\"shape\": [32, 64], \"layout\": \"vector\", \"dimension\": 2, \"index_bits\": 4, \"book_rows\": 16,"
            + " \"book_columns\": 32, \"block_columns\": 4}}" },
        { "quantization-tensor", "tensors",
            "{\"w\": {\"shape\": [32, 64], \"layout\": \"vector\", \"dimension\": 2, \"index_bits\": 4, \"book_rows\": 16,"
            + " \"book_columns\": 32, \"book_rank\": 1}}" },
        { "quantization-tensor", "tensors",
            "{\"w\": {\"shape\": [32, 64], \"layout\": \"vector\", \"index_bits\": 4, \"book_rows\": 16, \"book_columns\": 32}}" },
        { "quantization-tensor", "tensors",
            "{\"w\": {\"shape\": [32, 64], \"layout\": \"vector\", \"dimension\": 2, \"index_bits\": 4, \"book_columns\": 32}}" },
        { "quantization-tensor", "tensors",
            "{\"w\": {\"shape\": [32, 64], \"layout\": \"vector\", \"dimension\": 1, \"index_bits\": 4, \"book_rows\": 16,"
            + " \"book_columns\": 32, \"book_rank\": 17}}" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void WhatBreaksARuleIsRefusedByItsName(string rule, string key, string? value)
    {
        JsonObject config = s_config.ToJson();
        if (value is null)
            config.Remove(key);
        else
            config[key] = JsonNode.Parse(value);
        Assert.Equal(rule, Assert.Throws<InvalidFileException>(() => Read(Json(config))).Rule);
    }

    [Fact]
    public void DamagedTextIsReadOrRefused()
    {
        byte[] seed = Encoding.UTF8.GetBytes(Json(s_config.ToJson()));
        int read = 0, refused = 0;
        foreach (byte[] mutant in Mutation.Of(seed, 10_000, 5))
        {
            try
            {
                using JsonDocument document = StrictJson.Parse(mutant, "config.json");
                foreach (PackedLayout layout in QuantizationConfig.Read(document.RootElement, "config.json")?.Tensors.Values ?? [])
                    Assert.InRange(layout.CodeBits, 0.5, 8);
                read++;
            }
            catch (InvalidFileException)
            {
                refused++;
            }
        }
        Assert.True(read > 100 && refused > 100, $"{read} read, {refused} refused");
    }

    private static string Json(JsonObject quantization) => new JsonObject { ["quantization_config"] = quantization }.ToJsonString();

    private static QuantizationConfig? Read(string json)
    {
        using JsonDocument document = StrictJson.Parse(Encoding.UTF8.GetBytes(json), "config.json");
        return QuantizationConfig.Read(document.RootElement, "config.json");
    }
}
