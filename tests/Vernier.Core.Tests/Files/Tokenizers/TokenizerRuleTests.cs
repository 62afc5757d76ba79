using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Vernier.Errors;
using Vernier.Files.Tokenizers;
using Vernier.Files.Tokenizers.Rules;

namespace Vernier.Tests;

/// <summary>Each rule has a file that breaks it, and the format page lists exactly the rules and components there are.</summary>
public partial class TokenizerRuleTests
{
    private const string NoText = """{"add_bos_token":true}""";

    private static readonly (string Rule, string What, Action<JsonObject> Break, string? Config)[] Broken =
    [
        (TokenizerRules.MissingField, "no model", d => d.Remove("model"), null),
        (TokenizerRules.MissingField, "no merges", d => d["model"]!.AsObject().Remove("merges"), null),
        (TokenizerRules.WrongType, "a list as vocabulary", d => d["model"]!["vocab"] = new JsonArray(), null),
        (TokenizerRules.WrongType, "an id that is a text", d => d["model"]!["vocab"]!["h"] = "1", null),
        (TokenizerRules.WrongType, "a truth value that is a number", d => d["model"]!["fuse_unk"] = 1, null),
        (TokenizerRules.WrongType, "an unknown scheme", d =>
            d["pre_tokenizer"] = Json("""{"type":"Metaspace","prepend_scheme":"last"}"""), null),
        (TokenizerRules.WrongType, "schemes that differ", d =>
            d["pre_tokenizer"] = Json("""{"type":"Metaspace","prepend_scheme":"first","add_prefix_space":false}"""), null),
        (TokenizerRules.WrongType, "a delimiter of two characters", d =>
            d["pre_tokenizer"] = Json("""{"type":"CharDelimiterSplit","delimiter":"ab"}"""), null),
        (TokenizerRules.TextTooLong, "a long prefix", d =>
            d["normalizer"] = new JsonObject { ["type"] = "Prepend", ["prepend"] = new string('x', 257) }, null),
        (TokenizerRules.TextTooLong, "a long added token", d =>
            d["added_tokens"]!.AsArray().Add(TokenizerFixtures.Token(900, new string('x', 257))), null),
        (TokenizerRules.TooManyParts, "a long sequence", d =>
            d["normalizer"] = new JsonObject { ["type"] = "Sequence",
            ["normalizers"] = new JsonArray([.. Enumerable.Range(0, 33).Select(_ => Json("""{"type":"NFC"}"""))]) }, null),
        (TokenizerRules.UnsupportedVersion, "another version", d => d["version"] = "2.0", null),
        (TokenizerRules.UnsupportedModel, "Unigram", d => d["model"]!["type"] = "Unigram", null),
        (TokenizerRules.UnsupportedModel, "WordPiece", d => d["model"]!["type"] = "WordPiece", null),
        (TokenizerRules.UnsupportedNormalizer, "Precompiled", d =>
            d["normalizer"] = Json("""{"type":"Precompiled","precompiled_charsmap":""}"""), null),
        (TokenizerRules.UnsupportedNormalizer, "bytes of bytes", d =>
            d["normalizer"] = Json("""{"type":"Sequence","normalizers":[{"type":"ByteLevel"},{"type":"ByteLevel"}]}"""), null),
        (TokenizerRules.UnsupportedPreTokenizer, "BertPreTokenizer", d =>
            d["pre_tokenizer"] = Json("""{"type":"BertPreTokenizer"}"""), null),
        (TokenizerRules.UnsupportedPreTokenizer, "bytes of bytes", d =>
            d["pre_tokenizer"] = Json("""{"type":"Sequence","pretokenizers":[{"type":"ByteLevel"},{"type":"ByteLevel"}]}"""), null),
        (TokenizerRules.UnsupportedPostProcessor, "an unknown one", d => d["post_processor"] = Json("""{"type":"Other"}"""), null),
        (TokenizerRules.UnsupportedPostProcessor, "a template without the text", d =>
            d["post_processor"] = Json("""{"type":"TemplateProcessing","single":[]}"""), null),
        (TokenizerRules.UnsupportedDecoder, "CTC", d => d["decoder"] = Json("""{"type":"CTC"}"""), null),
        (TokenizerRules.UnsupportedPattern, "look-behind", d => d["pre_tokenizer"] = TokenizerFixtures.Split("(?<=a)b"), null),
        (TokenizerRules.Dropout, "dropout", d => d["model"]!["dropout"] = 0.1, null),
        (TokenizerRules.IdOutOfRange, "a negative id", d => d["model"]!["vocab"]!["h"] = -1, null),
        (TokenizerRules.IdOutOfRange, "a huge id", d => d["model"]!["vocab"]!["h"] = 2_000_000_000, null),
        (TokenizerRules.IdOutOfRange, "an id beyond 64 bits", d =>
            d["added_tokens"]!.AsArray().Add(Json("""{"id":4294967296,"content":"x y"}""")), null),
        (TokenizerRules.IdConflict, "two tokens of one id", d => d["model"]!["vocab"]!["h"] = 1, null),
        (TokenizerRules.IdConflict, "an added token in the place of another", d =>
            d["added_tokens"]!.AsArray().Add(TokenizerFixtures.Token(1, "x y")), null),
        (TokenizerRules.IdConflict, "an added token with another id than in the vocabulary", d =>
            d["added_tokens"]!.AsArray().Add(TokenizerFixtures.Token(900, "h")), null),
        (TokenizerRules.IdConflict, "a token added twice", d =>
            d["added_tokens"] = new JsonArray(TokenizerFixtures.Token(900, "x y"), TokenizerFixtures.Token(901, "x y")), null),
        (TokenizerRules.MergeMalformed, "a merge of three", d => d["model"]!["merges"]!.AsArray().Add("a b c"), null),
        (TokenizerRules.MergeMalformed, "a merge that is a number", d => d["model"]!["merges"]!.AsArray().Add(1), null),
        (TokenizerRules.MergeUnknownToken, "a merge of an unknown token", d => d["model"]!["merges"]!.AsArray().Add("zz h"), null),
        (TokenizerRules.MergeUnknownToken, "a merge that makes an unknown token", d => d["model"]!["merges"]!.AsArray().Add("h h"), null),
        (TokenizerRules.UnknownSpecialToken, "an unknown token that is unknown", d => d["model"]!["unk_token"] = "<none>", null),
        (TokenizerRules.UnknownSpecialToken, "a template with an unknown id", d =>
            d["post_processor"]!["special_tokens"]!["<s>"]!["ids"]![0] = 1000, null),
        (TokenizerRules.UnknownSpecialToken, "a configuration that asks for what isn't there", d => d["post_processor"] = null, NoText),
        (TokenizerRules.UnsupportedSetting, "special tokens that are cut", _ => { }, """{"split_special_tokens":true}"""),
        (TokenizerRules.Contradiction, "an added token with another id elsewhere", _ => { },
            """{"added_tokens_decoder":{"7":{"content":"</s>"}}}"""),
        (TokenizerRules.UnknownSpecialToken, "a configuration with an unknown token", _ => { }, """{"eos_token":{"content":"<end>"}}"""),
    ];

    public static TheoryData<string, string> Cases => [.. Broken.Select(broken => (broken.Rule, broken.What))];

    [Theory]
    [MemberData(nameof(Cases))]
    public void ABrokenRuleIsNamed(string rule, string what)
    {
        (_, _, Action<JsonObject> breakIt, string? config) = Broken.Single(broken => broken.Rule == rule && broken.What == what);
        JsonObject document = TokenizerFixtures.Create("sentencepiece");
        breakIt(document);
        using var folder = new TokenizerFolder(document, config);
        var error = Assert.Throws<InvalidFileException>(folder.Load);
        Assert.Equal(rule, error.Rule);
        Assert.StartsWith(folder.Path, error.File, StringComparison.Ordinal);
        Assert.NotEmpty(error.Remedy);
    }

    [Fact]
    public void AFolderWithoutATokenizerIsNamed()
    {
        using var folder = new TempFolder();
        Assert.Equal(TokenizerRules.Missing, Assert.Throws<InvalidFileException>(() => Tokenizer.Load(folder.Path)).Rule);
    }

    [Theory]
    [InlineData("normalizer", "normalizers")]
    [InlineData("decoder", "decoders")]
    public void ReplacementsThatMultiplyAreRefused(string component, string list)
    {
        JsonObject document = TokenizerFixtures.Create("sentencepiece");
        document[component] = new JsonObject
        {
            ["type"] = "Sequence",
            [list] = new JsonArray(
                [.. Enumerable.Range(0, 32)
                .Select(_ => new JsonObject { ["type"] = "Replace", ["pattern"] = Json("""{"String":"h"}"""),
                ["content"] = new string('h', 256) })]),
        };
        using var folder = new TokenizerFolder(document);
        var error = Assert.Throws<InvalidFileException>(() =>
        {
            Tokenizer tokenizer = folder.Load();
            tokenizer.Decode(tokenizer.Encode("hello"));
        });
        Assert.Equal(TokenizerRules.Expands, error.Rule);
    }

    [Fact]
    public void EveryRuleIsBrokenByATest() => Assert.Equal(
        Rules, Broken.Select(broken => broken.Rule).Append(TokenizerRules.Missing).Append(TokenizerRules.Expands).Distinct()
            .Order(StringComparer.Ordinal));

    [Fact]
    public void ThePageListsExactlyTheRules() =>
        Assert.Equal(Rules, RuleRow().Matches(Page).Select(match => match.Groups["rule"].Value).Order(StringComparer.Ordinal));

    /// <summary>Whatever the page lists as read is not refused as unsupported, and nothing else is supported.</summary>
    [Theory]
    [InlineData("normalizer", "normalizers", TokenizerRules.UnsupportedNormalizer)]
    [InlineData("pre_tokenizer", "pretokenizers", TokenizerRules.UnsupportedPreTokenizer)]
    [InlineData("post_processor", "processors", TokenizerRules.UnsupportedPostProcessor)]
    [InlineData("decoder", "decoders", TokenizerRules.UnsupportedDecoder)]
    public void ThePageListsExactlyTheComponents(string component, string list, string rule)
    {
        string row = Page.Split('\n').Single(line => line.StartsWith($"| `{component}` |", StringComparison.Ordinal));
        string[] cells = row.Split('|');
        string[] read = Names(cells[2]), refused = Names(cells[3]);
        Assert.NotEmpty(read);
        Assert.NotEmpty(refused);
        foreach (string name in read.Concat(refused))
        {
            JsonObject document = TokenizerFixtures.Create("sentencepiece");
            document[component] = new JsonObject
            {
                ["type"] = name,
                [list] = new JsonArray(),
                ["pattern"] = new JsonObject { ["String"] = "a" },
                ["behavior"] = "Isolated",
                ["delimiter"] = " ",
                ["prepend"] = "a",
                ["content"] = "a",
                ["start"] = 1,
                ["stop"] = 0,
                ["single"] = Json("""[{"Sequence":{"id":"A"}}]"""),
                ["cls"] = Json("""["<s>",1]"""),
                ["sep"] = Json("""["</s>",2]"""),
            };
            using var folder = new TokenizerFolder(document);
            string? broken = Record.Exception(() => { folder.Load(); }) is InvalidFileException error ? error.Rule : null;
            Assert.Equal((name, read.Contains(name, StringComparer.Ordinal) ? null : rule), (name, broken));
        }
    }

    private static string[] Rules =>
        [.. typeof(TokenizerRules).GetFields(BindingFlags.Public | BindingFlags.Static).Select(rule => (string)rule.GetRawConstantValue()!)
            .Order(StringComparer.Ordinal)];

    private static string Page => File.ReadAllText(Path.Combine(SharedData.Root, "docs", "formats", "tokenizer.md"));

    private static string[] Names(string cell) => [.. Name().Matches(cell).Select(match => match.Groups["name"].Value)];

    private static JsonNode Json(string json) => JsonNode.Parse(json)!;

    [GeneratedRegex(@"^\| `(?<rule>tokenizer-[a-z-]+)` \|", RegexOptions.Multiline | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex RuleRow();

    [GeneratedRegex(@"`(?<name>[A-Za-z]+)`", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Name();
}
