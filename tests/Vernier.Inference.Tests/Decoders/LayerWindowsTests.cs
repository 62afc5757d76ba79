using System.Text.Json;
using Vernier.Errors;
using Vernier.Inference.Configuration;
using Vernier.Inference.Decoders;

namespace Vernier.Tests.Decoders;

/// <summary>The sliding windows of layers, as config.json tells them.</summary>
public class LayerWindowsTests
{
    [Theory]
    [InlineData("{}", "- - - -")]
    [InlineData("""{"sliding_window":8}""", "- - - -")]
    [InlineData("""{"use_sliding_window":false,"sliding_window":8,"max_window_layers":0}""", "- - - -")]
    [InlineData("""{"use_sliding_window":true,"sliding_window":8,"max_window_layers":0}""", "8 8 8 8")]
    [InlineData("""{"use_sliding_window":true,"sliding_window":8,"max_window_layers":3}""", "- - - 8")]
    [InlineData("""{"use_sliding_window":true,"sliding_window":8,"max_window_layers":4}""", "- - - -")]
    [InlineData("""{"use_sliding_window":true,"sliding_window":8}""", "- - - -")]
    [InlineData("""{"use_sliding_window":true,"max_window_layers":2}""", "- - 4096 4096")]
    [InlineData("""{"use_sliding_window":true,"sliding_window":null,"max_window_layers":0}""", "- - - -")]
    [InlineData("""{"use_sliding_window":null,"sliding_window":8,"max_window_layers":0}""", "- - - -")]
    [InlineData("""{"use_sliding_window":true,"sliding_window":1,"layer_types":[F,S,F,S]}""", "- 1 - 1")]
    [InlineData("""{"use_sliding_window":true,"sliding_window":9,"max_window_layers":0,"layer_types":[F,F,F,F]}""", "- - - -")]
    [InlineData("""{"layer_types":[F,F,F,F]}""", "- - - -")]
    public void EachLayerHasItsWindow(string json, string expected)
    {
        var windows = new LayerWindows(Root(json), 4);
        Assert.Equal(expected, string.Join(' ', Enumerable.Range(0, 4).Select(layer => windows[layer]?.ToString() ?? "-")));
    }

    [Theory]
    [InlineData("""{"layer_types":[S,F]}""", ModelRules.ConfigLayerTypes)]
    [InlineData("""{"use_sliding_window":true,"sliding_window":null,"layer_types":[F,S]}""", ModelRules.ConfigLayerTypes)]
    [InlineData("""{"layer_types":[F,"linear_attention"]}""", ModelRules.ConfigLayerTypes)]
    [InlineData("""{"layer_types":[F,null]}""", ModelRules.ConfigLayerTypes)]
    [InlineData("""{"layer_types":[F,[F]]}""", ModelRules.ConfigLayerTypes)]
    [InlineData("""{"layer_types":[F]}""", ModelRules.ConfigLength)]
    [InlineData("""{"layer_types":[F,F,F]}""", ModelRules.ConfigLength)]
    [InlineData("""{"layer_types":F}""", ModelRules.ConfigType)]
    [InlineData("""{"use_sliding_window":1}""", ModelRules.ConfigType)]
    [InlineData("""{"use_sliding_window":true,"sliding_window":0}""", ModelRules.ConfigRange)]
    [InlineData("""{"use_sliding_window":true,"sliding_window":1.5}""", ModelRules.ConfigRange)]
    [InlineData("""{"use_sliding_window":true,"sliding_window":"8"}""", ModelRules.ConfigType)]
    [InlineData("""{"max_window_layers":-1}""", ModelRules.ConfigRange)]
    public void WhatContradictsItselfIsRefused(string json, string rule) =>
        Assert.Equal(rule, Assert.Throws<InvalidFileException>(() => new LayerWindows(Root(json), 2)).Rule);

    /// <summary>The object of a text in which F and S stand for full and sliding attention.</summary>
    private static ConfigObject Root(string json)
    {
        using var document = JsonDocument.Parse(
            json.Replace("F", "\"full_attention\"", StringComparison.Ordinal)
                .Replace("S", "\"sliding_attention\"", StringComparison.Ordinal));
        return ConfigObject.Of(document.RootElement.Clone(), "config.json");
    }
}
