using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Tokenizers;
using Vernier.Files.Tokenizers.Rules;

namespace Vernier.Tests;

/// <summary>Damaged tokenizers are read or refused by name; those that are read can be used, at a cost that their size justifies.</summary>
public class TokenizerFuzzTests
{
    private const string Text = "hello  World 12345, it's\n\n the 日本 é😀 <s> word\u0301 <|eot_id|>▁ lower";

    private readonly Dictionary<string, int> _outcomes = new(StringComparer.Ordinal);

    [Fact]
    public void DamagedTokenizersAreReadOrRefused()
    {
        int inputs = 0;
        byte[][] seeds = [.. TokenizerFixtures.Names.Select(name => Encoding.UTF8.GetBytes(Arranged(TokenizerFixtures.Create(name)))),
            Encoding.UTF8.GetBytes(Mixed())];
        for (int s = 0; s < seeds.Length; s++)
        {
            Assert.Equal("read", Outcome(seeds[s]));
            IEnumerable<byte[]> rearranged = JsonRearranged.Of(JsonNode.Parse(seeds[s])!.AsObject(), 3000, s)
                .Select(Encoding.UTF8.GetBytes);
            foreach (byte[] input in Mutation.Of(seeds[s], 5000, s).Concat(rearranged))
            {
                Try(input);
                inputs++;
            }
        }
        foreach (byte[] input in Mutation.Of(File.ReadAllBytes(Path.Combine(SharedData.Quill, "tokenizer.json")), 60, 100))
            Try(input);
        Assert.InRange(inputs, 30_000, 100_000);
        Assert.InRange(_outcomes["read"], 5000, inputs / 2);
        Assert.Superset(new HashSet<string>(StringComparer.Ordinal)
        {
            TokenizerRules.MissingField, TokenizerRules.WrongType, TokenizerRules.IdOutOfRange, TokenizerRules.IdConflict,
                TokenizerRules.MergeMalformed,
            TokenizerRules.MergeUnknownToken, TokenizerRules.UnsupportedModel, TokenizerRules.UnsupportedPattern,
        }, _outcomes.Keys.ToHashSet(StringComparer.Ordinal));
    }

    private void Try(byte[] input)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        string outcome = Outcome(input);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        _outcomes[outcome] = _outcomes.GetValueOrDefault(outcome) + 1;
        Assert.True(allocated < 2_000_000 + 200L * input.Length,
            $"{allocated} bytes were allocated for a file of {input.Length}: {outcome}");
    }

    private static string Outcome(byte[] input)
    {
        try
        {
            using JsonDocument document = StrictJson.Parse(input, "tokenizer.json");
            var tokenizer = new Tokenizer(TokenizerReader.Read(
                new JsonField(document.RootElement, "tokenizer.json", ""), new TokenizerSettings(null)));
            foreach (bool special in new[] { false, true })
            {
                int[] ids = tokenizer.Encode(Text, special, special);
                Assert.All(ids, id => Assert.InRange(id, 0, tokenizer.VocabularySize - 1));
                Assert.All(ids, id => Assert.NotNull(tokenizer.TokenText(id)));
                Assert.NotNull(tokenizer.Decode(ids, special));
                Assert.NotNull(tokenizer.Decode(Enumerable.Range(-2, 300), special));
            }
            return "read";
        }
        catch (InvalidFileException e)
        {
            return e.Rule;
        }
    }

    /// <summary>The vocabulary of bytes is much of a small file; fewer of them leave more changes for the rest.</summary>
    private static string Arranged(JsonObject document)
    {
        JsonObject vocabulary = document["model"]!["vocab"]!.AsObject();
        foreach (string token in vocabulary.Select(entry => entry.Key).Where(IsRare).ToArray())
            vocabulary.Remove(token);
        return document.ToJsonString(new JsonSerializerOptions {
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }

    private static bool IsRare(string token) =>
        token.StartsWith("<0x", StringComparison.Ordinal)
            || (token.Length == 1 && token[0] >= '\u00B0' && !"ÃĠ▁é".Contains(token[0], StringComparison.Ordinal));

    /// <summary>Every component that is read, in one file.</summary>
    private static string Mixed()
    {
        JsonObject document = TokenizerFixtures.Create("added");
        document["normalizer"] = JsonNode.Parse("""
            {"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"Replace","pattern":{"Regex":"[a-c]{2,3}|\\p{Lu}+(?!x)"},
            "content":"hello"},
            {"type":"Strip","strip_left":true,"strip_right":false},{"type":"StripAccents"},{"type":"Prepend","prepend":" "},
            {"type":"Lowercase"}]}
            """);
        document["pre_tokenizer"] = JsonNode.Parse("""
            {"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},{"type":"Punctuation",
            "behavior":"MergedWithPrevious"},
            {"type":"Split","pattern":{"Regex":"(?i:'s|x+?)|[^\\s\\d]?\\w+| ?[^\\S\\n]{1,3}"},"behavior":"MergedWithNext","invert":true},
            {"type":"Whitespace"},{"type":"CharDelimiterSplit","delimiter":"-"},{"type":"Metaspace","replacement":"▁",
            "prepend_scheme":"first","split":true},
            {"type":"ByteLevel","add_prefix_space":true,"use_regex":true}]}
            """);
        document["post_processor"] = JsonNode.Parse("""
            {"type":"Sequence","processors":[{"type":"RobertaProcessing","sep":["<end>",283],"cls":["<left>",276]},
            {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
            "special_tokens":{"x":{"ids":[283,276]}}}]}
            """);
        document["decoder"] = JsonNode.Parse("""
            {"type":"Sequence","decoders":[{"type":"BPEDecoder","suffix":"</w>"},{"type":"Metaspace","replacement":"▁",
            "prepend_scheme":"never"},{"type":"ByteFallback"},
            {"type":"Replace","pattern":{"String":"e"},"content":"ee"},{"type":"ByteLevel"},{"type":"Strip","content":" ","start":1,
            "stop":1}]}
            """);
        return Arranged(document);
    }
}
