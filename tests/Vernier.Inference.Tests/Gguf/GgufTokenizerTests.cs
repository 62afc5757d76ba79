using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files.Gguf;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;

namespace Vernier.Tests.Gguf;

/// <summary>Merges as scores and back, and the names of the ways in which texts are cut.</summary>
public class GgufTokenizerTests
{
    [Theory]
    [InlineData(GgufTokenizer.Normal, "the token 'b' stands twice, with the ids 1 and 3")]
    [InlineData(GgufTokenizer.Control, "'b' can't have the id 3, as the vocabulary has the id 1 for it")]
    public void TwoTokensAlikeAreNamedWithTheirIds(int type, string problem)
    {
        var metadata = new GgufMetadata(new Dictionary<string, GgufValue>
        {
            ["tokenizer.ggml.model"] = GgufValue.Of("gpt2"), ["tokenizer.ggml.pre"] = GgufValue.Of("gpt-2"),
            ["tokenizer.ggml.tokens"] = GgufValue.Of((string[])["a", "b", "ab", "b"]),
            ["tokenizer.ggml.token_type"] = GgufValue.Of((int[])[1, 1, 1, type]),
            ["tokenizer.ggml.merges"] = GgufValue.Of((string[])["a b"]),
        }, "m.gguf");
        InvalidFileException error = Assert.Throws<InvalidFileException>(() =>
        {
            (JsonObject tokenizer, JsonObject settings) = GgufTokenizerReader.ToJson(metadata);
            Vernier.Files.Tokenizers.Tokenizer.Parse(ModelTexts.Serialize(tokenizer), ModelTexts.Serialize(settings), "m.gguf");
        });
        Assert.Contains(problem, error.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void MergesOrderTheScoresOfTheTokensThatTheyMake()
    {
        string[] tokens = ["<unk>", "a", "b", "ab", "<0x0A>", "aba", "abab", "c"];
        int[] types = [GgufTokenizer.Unknown, 1, 1, 1, GgufTokenizer.OneByte, 1, 1, GgufTokenizer.UserDefined];
        float[] scores = GgufTokenizer.Scores(tokens, types, ["a b", "ab ab", "ab a"]);
        // What no merge makes comes after all that one makes; what is no ordinary token has no score.
        Assert.Equal([0, -4, -4, -1, 0, -3, -2, 0], scores);
        Assert.Equal(["a b", "ab ab", "aba b", "a ba", "ab a"], GgufTokenizer.MergesOf([.. tokens, "ba"], [.. types, 1], [.. scores, -9])
            .Where(merge => merge != "b a"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void EveryMergeComesBackInOrder(int seed)
    {
        var random = new Random(seed);
        List<string> tokens = ["a", "b", "c", "\ud83d\ude00", GgufTokenizer.Space];
        var merges = new List<string>();
        while (tokens.Count < 60)
        {
            string left = tokens[random.Next(tokens.Count)], right = tokens[random.Next(tokens.Count)];
            if (left.Length + right.Length > 256 || tokens.Contains(left + right))
                continue;
            merges.Add($"{left} {right}");
            tokens.Add(left + right);
        }
        int[] types = [.. tokens.Select(_ => GgufTokenizer.Normal)];
        string[] found = GgufTokenizer.MergesOf([.. tokens], types, GgufTokenizer.Scores([.. tokens], types, [.. merges]));
        // Further ways to make a token of two stand beside the one that was given.
        Assert.Equal(merges, found.Where(merges.Contains));
        string[] made = [.. found.Select(merge => merge.Replace(" ", "", StringComparison.Ordinal))];
        Assert.Equal(merges.Select(merge => merge.Replace(" ", "", StringComparison.Ordinal)), made.Distinct());
    }

    [Fact]
    public void TokensThatAreNotOrdinaryAreNeverMade()
    {
        string[] tokens = ["a", "b", "ab", "ba", "aa", "bb"];
        int[] types = [1, 1, GgufTokenizer.Control, GgufTokenizer.Unused, GgufTokenizer.UserDefined, 1];
        Assert.Equal(["b b"], GgufTokenizer.MergesOf(tokens, types, new float[6]));
        // A token of the user takes part in a merge, and one that is too long does not come of any.
        Assert.Equal(["b aa", "ba a"],
            GgufTokenizer.MergesOf(["a", "b", "aa", "ba", "baa", new('a', 257)], [1, 1, 4, 4, 1, 1], new float[6]));
        Assert.Empty(GgufTokenizer.MergesOf(["\ud83d\ude00"], [1], new float[1]));
    }

    [Theory]
    [InlineData("\"a b\"", "a b")]
    [InlineData("[\"a\",\"b\"]", "a b")]
    [InlineData("[\"\\u2581\",\"b\"]", "\u2581 b")]
    public void AMergeIsTwoTokensWithASpaceBetween(string json, string expected) =>
        Assert.Equal(expected, GgufTokenizer.MergeText(JsonNode.Parse(json)));

    [Fact]
    public void SpecialTokensHaveTheKeysOfLlamaCpp() => Assert.Equal(
        ["bos", "eos", "unknown", "padding", "seperator", "mask"],
        GgufTokenizer.Special.Select(name => GgufTokenizer.SpecialKey(name)["tokenizer.ggml.".Length..^"_token_id".Length]));

    [Fact]
    public void EveryNameLeadsToAWayToCutAndTheWayToTheFirstOfItsNames()
    {
        Assert.Equal(GgufPreTokenizers.Names.Distinct(StringComparer.Ordinal), GgufPreTokenizers.Names);
        var first = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string name in GgufPreTokenizers.Names)
        {
            JsonNode way = GgufPreTokenizers.Of(name)!;
            string written = GgufPreTokenizers.NameOf(way, "x");
            Assert.Equal(first.TryAdd(way.ToJsonString(), name) ? name : first[way.ToJsonString()], written);
        }
        Assert.Equal(["gpt-2", "llama-bpe", "qwen2", "smollm", "default"], first.Values);
        Assert.Null(GgufPreTokenizers.Of("GPT-2"));
        Assert.Null(GgufPreTokenizers.Of(""));
    }

    [Theory]
    [InlineData("""{"type":"ByteLevel","add_prefix_space":false}""", "gpt-2")]
    [InlineData("""{"use_regex":true,"trim_offsets":false,"add_prefix_space":false,"type":"ByteLevel"}""", "gpt-2")]
    [InlineData("""{"type":"Sequence","pretokenizers":[{"type":"ByteLevel","add_prefix_space":false,"use_regex":true}]}""", "gpt-2")]
    [InlineData("""{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},B]}""", "smollm")]
    public void WhatMakesNoDifferenceIsOverlooked(string json, string name) =>
        Assert.Equal(name, GgufPreTokenizers.NameOf(Parse(json), "x"));

    [Theory]
    [InlineData("null")]
    [InlineData("""{"type":"Metaspace"}""")]
    [InlineData("""{"type":"Sequence","pretokenizers":[]}""")]
    [InlineData("""{"type":"ByteLevel","add_prefix_space":true}""")]
    [InlineData("""{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}""")]
    [InlineData("""{"type":"Sequence","pretokenizers":[B,{"type":"Digits","individual_digits":true}]}""")]
    [InlineData("""{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":false},B]}""")]
    public void AnotherWayToCutHasNoName(string json)
    {
        var error = Assert.Throws<UnsupportedModelException>(() => GgufPreTokenizers.NameOf(Parse(json), "tokenizer.json"));
        Assert.Equal((GgufModelRules.PreTokenizer, "tokenizer.json"), (error.Rule, error.File));
    }

    /// <summary>A pre-tokenizer of a text in which B stands for one of bytes.</summary>
    private static JsonNode? Parse(string json) =>
        JsonNode.Parse(json.Replace(",B", """,{"type":"ByteLevel","add_prefix_space":false}""", StringComparison.Ordinal)
            .Replace("[B", """[{"type":"ByteLevel","add_prefix_space":false}""", StringComparison.Ordinal));
}
