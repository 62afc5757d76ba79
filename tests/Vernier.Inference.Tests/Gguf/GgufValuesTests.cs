using System.Text.Json.Nodes;
using Vernier.Files.Gguf;
using Vernier.Inference.Gguf;

namespace Vernier.Tests.Gguf;

/// <summary>Metadata values as JSON and back.</summary>
public class GgufValuesTests
{
    private static readonly object[] s_values =
    [
        byte.MaxValue, sbyte.MinValue, ushort.MaxValue, short.MinValue, uint.MaxValue, int.MinValue, ulong.MaxValue, long.MinValue,
        (1UL << 53) + 1, 0f, -0f, float.Epsilon, float.MaxValue, float.NaN, float.PositiveInfinity, float.NegativeInfinity, 0.1f, 1e-5f,
        0.1, double.Epsilon, double.MaxValue, double.NaN, double.NegativeInfinity, 1e22, true, false, "", "text", "\u0000\"\\\ud83d\ude00",
        "true", "NaN", Array.Empty<byte>(), Array.Empty<string>(), Array.Empty<bool>(), Array.Empty<GgufValue>(), Array.Empty<double>(),
        new[] { true, false }, new[] { "a", "", "1" }, new[] { float.NaN, -0f, 1e-45f }, new ulong[] { ulong.MaxValue, 0 },
        new sbyte[] { -128, 127 }, new[] { long.MinValue, long.MaxValue },
        new[] { GgufValue.Of(1u), GgufValue.Of("a"), GgufValue.Of(new[] { GgufValue.Of(Array.Empty<int>()), GgufValue.Of(false) }) },
    ];

    [Fact]
    public void EveryValueComesBackThroughText()
    {
        foreach (object data in s_values)
        {
            var value = GgufValue.Of(data);
            string json = GgufValues.ToJson(value).ToJsonString();
            GgufValue? back = GgufValues.Parse(JsonNode.Parse(json));
            Assert.True(value.Equals(back), json);
            Assert.Equal(data.GetType(), back!.Data.GetType());
        }
        GgufValue zero = GgufValues.Parse(GgufValues.ToJson(GgufValue.Of(-0f)))!;
        Assert.True(float.IsNegative((float)zero.Data));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("5")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"value":"5"}""")]
    [InlineData("""{"type":"Int32"}""")]
    [InlineData("""{"type":"Int32","value":null}""")]
    [InlineData("""{"type":"int32","value":"5"}""")]
    [InlineData("""{"type":"Int128","value":"5"}""")]
    [InlineData("""{"type":"Int32","value":"five"}""")]
    [InlineData("""{"type":"Int32","value":"5.0"}""")]
    [InlineData("""{"type":"Int32","value":["5"]}""")]
    [InlineData("""{"type":"Int32","value":"2147483648"}""")]
    [InlineData("""{"type":"UInt8","value":"-1"}""")]
    [InlineData("""{"type":"UInt8","value":"256"}""")]
    [InlineData("""{"type":"Array","value":"5"}""")]
    [InlineData("""{"type":"99","value":"5"}""")]
    [InlineData("""{"type":"Int32[]","value":"5"}""")]
    [InlineData("""{"type":"Int32[]","value":["5","x"]}""")]
    [InlineData("""{"type":"Int32[]","value":["5",null]}""")]
    [InlineData("""{"type":"Array[]","value":["5"]}""")]
    [InlineData("""{"type":"Array[]","value":[{"type":"Int32","value":"x"}]}""")]
    [InlineData("""{"type":"99[]","value":[]}""")]
    [InlineData("""{"type":"[]","value":[]}""")]
    public void WhatIsNoValueIsNull(string json) => Assert.Null(GgufValues.Parse(JsonNode.Parse(json)));

    [Fact]
    public void NumbersAreTextsSoThatNoReaderRoundsThem()
    {
        Assert.Equal("""{"type":"UInt64","value":"18446744073709551615"}""",
            GgufValues.ToJson(GgufValue.Of(ulong.MaxValue)).ToJsonString());
        Assert.Equal("""{"type":"Float32","value":"1E-05"}""", GgufValues.ToJson(GgufValue.Of(1e-5f)).ToJsonString());
        Assert.Equal("""{"type":"Bool","value":true}""", GgufValues.ToJson(GgufValue.Of(true)).ToJsonString());
        Assert.Equal("""{"type":"Int32[]","value":["1","-2"]}""", GgufValues.ToJson(GgufValue.Of(new[] { 1, -2 })).ToJsonString());
    }
}
