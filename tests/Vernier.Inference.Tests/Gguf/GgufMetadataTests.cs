using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Gguf;
using Vernier.Inference.Gguf;

namespace Vernier.Tests.Gguf;

/// <summary>Metadata with their types checked, and numbers as bytes.</summary>
public class GgufMetadataTests
{
    [Fact]
    public void ValuesOfTheirTypeAreRead()
    {
        GgufMetadata metadata = Of(("i8", (sbyte)-5), ("u64", ulong.MaxValue - 1), ("i64", long.MinValue), ("u32", 7u), ("f", 1e-5f),
            ("d", 0.1), ("t", "text"), ("b", true), ("a", new[] { "x", "" }));
        Assert.Equal([-5, long.MinValue, 7], ((string[])["i8", "i64", "u32"]).Select(metadata.NeedInteger));
        Assert.Equal([-5, ulong.MaxValue - 1, 1e-5f, 0.1], ((string[])["i8", "u64", "f", "d"]).Select(key => metadata.Number(key)!.Value));
        Assert.Equal(("text", true), (metadata.Text("t"), metadata.Flag("b")));
        Assert.Equal(["x", ""], metadata.Array<string>("a")!);
        Assert.Equal((true, false, 9), (metadata.Has("t"), metadata.Has("T"), metadata.Pairs.Count));
        Assert.Null(metadata.Integer("none"));
        Assert.Null(metadata.Number("none"));
        Assert.Null(metadata.Decimal("none"));
        Assert.Null(metadata.Text("none"));
        Assert.Null(metadata.Flag("none"));
        Assert.Null(metadata.Array<int>("none"));
    }

    [Theory]
    [InlineData(1e-5f, 1e-5)]
    [InlineData(0.1f, 0.1)]
    [InlineData(1e6f, 1e6)]
    [InlineData(-3.4028235e38f, -3.4028235e38)]
    [InlineData(float.Epsilon, 1e-45)]
    [InlineData(0.1, 0.1)]
    [InlineData(500000u, 500000.0)]
    public void ANumberIsTheShortestDecimalOfItsPrecision(object value, double expected) =>
        Assert.Equal(expected, Of(("x", value)).Decimal("x"));

    [Theory]
    [InlineData(float.NaN, "NaN")]
    [InlineData(float.PositiveInfinity, "Infinity")]
    [InlineData(double.NegativeInfinity, "-Infinity")]
    public void ANumberOfAConfigurationIsFinite(object value, string text)
    {
        var error = Assert.Throws<InvalidFileException>(() => Of(("x", value)).Decimal("x"));
        Assert.Equal((GgufModelRules.MetadataType, $"'x' is {text}, not a finite number"), (error.Rule, error.Problem));
    }

    [Fact]
    public void ValuesOfOtherTypesAreRefusedByName()
    {
        GgufMetadata metadata = Of(("text", "5"), ("number", 5), ("flag", true), ("real", 5f), ("large", ulong.MaxValue),
            ("list", new[] { 1, 2 }));
        Wrong("text", "a whole number", key => metadata.Integer(key));
        Wrong("flag", "a whole number", key => metadata.NeedInteger(key));
        Wrong("real", "a whole number", key => metadata.Integer(key));
        Wrong("large", "a whole number", key => metadata.Integer(key));
        Wrong("list", "a whole number", key => metadata.Integer(key));
        Wrong("text", "a number", key => metadata.Number(key));
        Wrong("flag", "a number", key => metadata.Decimal(key));
        Wrong("number", "a text", key => metadata.Text(key));
        Wrong("list", "a text", key => metadata.Text(key));
        Wrong("number", "a truth value", key => metadata.Flag(key));
        Wrong("text", "a truth value", key => metadata.Flag(key));
        Wrong("list", "an array of String", key => metadata.Array<string>(key));
        Wrong("list", "an array of Int64", key => metadata.Array<long>(key));
        Wrong("number", "an array of Int32", key => metadata.Array<int>(key));
        Missing("llama.block_count", () => metadata.NeedInteger("llama.block_count"));
        Missing("general.architecture", () => _ = metadata.Architecture);
        Assert.Equal("llama", Of(("general.architecture", "llama")).Architecture);

        void Wrong(string key, string expected, Action<string> read)
        {
            var error = Assert.Throws<InvalidFileException>(() => read(key));
            Assert.Equal((GgufModelRules.MetadataType, "x.gguf"), (error.Rule, error.File));
            Assert.Equal($"'{key}' is {metadata.Pairs[key].Type}, not {expected}", error.Problem);
        }

        static void Missing(string key, Action read)
        {
            var error = Assert.Throws<InvalidFileException>(read);
            Assert.Equal((GgufModelRules.MetadataMissing, $"'{key}' is missing"), (error.Rule, error.Problem));
        }
    }

    [Theory]
    [InlineData(null, null, null, "{}")]
    [InlineData(1u, 2u, null, """{"bos_token_id":1,"eos_token_id":2}""")]
    [InlineData(null, 2u, 3u, """{"eos_token_id":[2,3]}""")]
    [InlineData(0u, 2u, 2u, """{"bos_token_id":0,"eos_token_id":2}""")]
    [InlineData(null, null, 7u, """{"eos_token_id":7}""")]
    public void TokensThatEndATurnEndATextToo(uint? begin, uint? end, uint? turn, string expected)
    {
        var pairs = new List<(string, object)>();
        foreach ((string name, uint? id) in (ReadOnlySpan<(string, uint?)>)[("bos", begin), ("eos", end), ("eot", turn)])
        {
            if (id is uint given)
                pairs.Add(($"tokenizer.ggml.{name}_token_id", given));
        }
        var config = new JsonObject();
        Of([.. pairs]).AddTokens(config);
        Assert.Equal(expected, config.ToJsonString());
    }

    [Fact]
    public void NumbersInSixteenBitsAreRoundedToTheNearestAndTiesToEven()
    {
        var random = new Random(8);
        float[] numbers = [0, -0f, 1, float.MaxValue, float.MinValue, float.Epsilon, float.PositiveInfinity, float.NegativeInfinity, 65504,
            65519.99f, 65520, 5.9604645e-8f, 2.9802322e-8f, .. Enumerable.Range(0, 2000).Select(
                _ => BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue))).Where(float.IsFinite),
            .. Enumerable.Range(0, 64).Select(i => BitConverter.Int32BitsToSingle(0x3F800000 + (i << 14))),
            .. Enumerable.Range(0, 64).Select(i => BitConverter.Int32BitsToSingle(0x3F807FFF + (i << 15)))];
        byte[] half = new byte[2 * numbers.Length], brain = new byte[2 * numbers.Length], single = new byte[4 * numbers.Length];
        FloatBytes.Write(numbers, ElementType.F16, half);
        FloatBytes.Write(numbers, ElementType.BF16, brain);
        FloatBytes.Write(numbers, ElementType.F32, single);
        for (int i = 0; i < numbers.Length; i++)
        {
            Assert.Equal(BitConverter.HalfToUInt16Bits((Half)numbers[i]), BitConverter.ToUInt16(half, 2 * i));
            Assert.Equal(numbers[i], BitConverter.ToSingle(single, 4 * i));
            float rounded = BitConverter.UInt32BitsToSingle((uint)BitConverter.ToUInt16(brain, 2 * i) << 16);
            if (!float.IsFinite(rounded))
            {
                // Beyond half a step above the largest, where the next number would be 2^128.
                Assert.True(Math.Abs((double)numbers[i]) >= Math.ScaleB(511, 119) && MathF.Sign(rounded) == MathF.Sign(numbers[i]));
                continue;
            }
            uint below = BitConverter.SingleToUInt32Bits(numbers[i]) & 0xFFFF0000;
            double low = BitConverter.UInt32BitsToSingle(below), high = BitConverter.UInt32BitsToSingle(below + 0x10000);
            double distance = Math.Abs(numbers[i] - low), other = Math.Abs(high - numbers[i]);
            Assert.Equal(distance < other || (distance == other && (below & 0x10000) == 0) ? low : high, rounded);
        }
    }

    [Fact]
    public void WhatIsNoNumberStaysSoAndOtherTypesAreRefused()
    {
        float[] wrong = [.. ((uint[])[0x7F800001, 0x7FC00000, 0x7FFFFFFF, 0xFF800001, 0xFFFFFFFF]).Select(BitConverter.UInt32BitsToSingle)];
        byte[] half = new byte[10], brain = new byte[10];
        FloatBytes.Write(wrong, ElementType.F16, half);
        FloatBytes.Write(wrong, ElementType.BF16, brain);
        for (int i = 0; i < wrong.Length; i++)
        {
            Assert.True(Half.IsNaN(BitConverter.ToHalf(half, 2 * i)));
            Assert.True(float.IsNaN(BitConverter.UInt32BitsToSingle((uint)BitConverter.ToUInt16(brain, 2 * i) << 16)));
            Assert.Equal(float.IsNegative(wrong[i]), brain[2 * i + 1] >= 0x80);
        }
        Refusal.Of<ArgumentOutOfRangeException>("type", () => FloatBytes.Write([1], ElementType.F64, new byte[8]));
        Refusal.Of<ArgumentException>("destination", () => FloatBytes.Write([1, 2], ElementType.F32, new byte[7]));
    }

    private static GgufMetadata Of(params (string Key, object Value)[] pairs) =>
        new(pairs.ToDictionary(pair => pair.Key, pair => GgufValue.Of(pair.Value), StringComparer.Ordinal), "x.gguf");
}
