using Vernier.Files.Tokenizers;
using Vernier.Files.Tokenizers.AddedTokens;

namespace Vernier.Tests;

/// <summary>Where added tokens are found, and what they take with them.</summary>
public class AddedTokenTests
{
    [Theory]
    [InlineData("abcd", "abcd")]
    [InlineData("xabcx", "x|abc|x")]
    [InlineData("ababcd", "ab|abcd")]
    [InlineData("bcd", "bc|d")]
    [InlineData("abc", "abc")]
    [InlineData("xyz", "xyz")]
    [InlineData("", "")]
    public void TheLeftmostAndOfThoseTheLongestIsFound(string text, string expected)
    {
        string[] tokens = ["ab", "abc", "abcd", "bc", ""];
        var matcher = new AddedTokenMatcher(tokens.Select(
            (content, id) => (new AddedToken(id, content, false, false, false, false, false), content)));
        Assert.Equal(expected, string.Join('|', matcher.Split(text, parseSpecial: true).Select(span => text[span.Start..span.End])));
    }

    [Theory]
    [InlineData("a b c", true, "a| b |c")]
    [InlineData("xb b", true, "xb| b")]
    [InlineData("b\u0301", true, "b\u0301")]
    [InlineData("(b)", true, "(|b|)")]
    [InlineData("a b c", false, "a b c")]
    public void SpaceIsTakenAndWordsAreKeptWhole(string text, bool parseSpecial, string expected)
    {
        var token = new AddedToken(0, "b", Special: true, Normalized: false, SingleWord: true, StripLeft: true, StripRight: true);
        var matcher = new AddedTokenMatcher([(token, "b")]);
        Assert.Equal(expected, string.Join('|', matcher.Split(text, parseSpecial).Select(span => text[span.Start..span.End])));
    }

    [Fact]
    public void TokensOfTheConfigurationStandAroundATextThatNothingElseDoes()
    {
        using var folder = new TokenizerFolder(TokenizerFixtures.Create("added"),
            """{"add_bos_token":true,"add_eos_token":true,"bos_token":"<left>","eos_token":{"content":"<end>","lstrip":false}}""");
        Tokenizer tokenizer = folder.Load();
        Assert.Equal([276, 97, 283], tokenizer.Encode("a", addSpecialTokens: true));
        Assert.Equal([97], tokenizer.Encode("a"));
        Assert.Equal((276, 283), (tokenizer.BosId, tokenizer.EosId));
    }

    [Fact]
    public void ATemplateGoesBeforeTheConfiguration()
    {
        using var folder = new TokenizerFolder(TokenizerFixtures.Create("llama3"),
            """{"add_bos_token":false,"add_eos_token":true,"bos_token":"<|begin_of_text|>","eos_token":"<|eot_id|>"}""");
        Assert.Equal([278, 97], folder.Load().Encode("a", addSpecialTokens: true));
    }

    [Fact]
    public void TheSizeOfTheVocabularyCountsGaps()
    {
        System.Text.Json.Nodes.JsonObject document = TokenizerFixtures.Create("gpt2");
        document["added_tokens"]!.AsArray().Add(TokenizerFixtures.Token(1000, "<far>"));
        using var folder = new TokenizerFolder(document);
        Tokenizer tokenizer = folder.Load();
        Assert.Equal(1001, tokenizer.VocabularySize);
        Assert.Null(tokenizer.TokenText(999));
        Assert.Equal([1000], tokenizer.Encode("<far>"));
    }
}
