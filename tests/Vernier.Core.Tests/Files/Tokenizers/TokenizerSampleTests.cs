using System.Text;
using System.Text.Json;
using Vernier.Files.Tokenizers;

namespace Vernier.Tests;

/// <summary>The tokenizer of the sample model.</summary>
public class TokenizerSampleTests
{
    private static readonly Tokenizer Quill = Tokenizer.Load(SharedData.Quill);

    public static TheoryData<string, int[]> Cases
    {
        get
        {
            using JsonDocument reference = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(SharedData.Quill, "reference.json")));
            return [.. reference.RootElement.GetProperty("tokenizer").EnumerateArray().Select(
                item => (item.GetProperty("text").GetString()!, item.GetProperty("ids").Deserialize<int[]>()!))];
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void IdsAreThoseOfTheReference(string text, int[] ids)
    {
        Assert.Equal(ids, Quill.Encode(text));
        Assert.Equal([4094, .. ids], Quill.Encode(text, addSpecialTokens: true));
        Assert.Equal(text, Quill.Decode(ids));
    }

    [Fact]
    public void TheConfigurationIsRead()
    {
        Assert.Equal(4096, Quill.VocabularySize);
        Assert.Equal(4094, Quill.BosId);
        Assert.Equal(4095, Quill.EosId);
        Assert.Equal(["<|begin_of_text|>", "<|end_of_text|>"], Quill.SpecialTokens.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("Ġt", Quill.TokenText(256));
        Assert.Null(Quill.TokenText(4096));
        Assert.Null(Quill.TokenText(-1));
    }

    [Fact]
    public void SpecialTokensAreFoundWhereAskedFor()
    {
        int[] ids = Quill.Encode("<|begin_of_text|>a<|end_of_text|>", parseSpecialTokens: true);
        Assert.Equal([4094, 64, 4095], ids);
        Assert.Equal("a", Quill.Decode(ids));
        Assert.Equal("<|begin_of_text|>a<|end_of_text|>", Quill.Decode(ids, skipSpecialTokens: false));
        Assert.DoesNotContain(4094, Quill.Encode("<|begin_of_text|>a<|end_of_text|>"));
    }

    [Fact]
    public void DecodingGivesBackWhatWasEncoded()
    {
        var random = new Random(1);
        for (int i = 0; i < 5000; i++)
        {
            string text = RandomText.Next(random);
            Assert.Equal(text, Quill.Decode(Quill.Encode(text)));
        }
    }

    [Fact]
    public void ALoneSurrogateIsAReplacementCharacter()
    {
        var random = new Random(2);
        for (int i = 0; i < 2000; i++)
        {
            string text = RandomText.NextBroken(random);
            string mended = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
            Assert.Equal(Quill.Encode(mended), Quill.Encode(text));
            Assert.Equal(mended, Quill.Decode(Quill.Encode(text)));
        }
    }

    [Fact]
    public void ManyThreadsGetTheSameIds()
    {
        var random = new Random(3);
        string[] texts = [.. Enumerable.Range(0, 400).Select(_ => RandomText.Next(random, 60))];
        Tokenizer tokenizer = Tokenizer.Load(SharedData.Quill);
        int[][] alone = [.. texts.Select(text => Quill.Encode(text))];
        Parallel.For(0, 4 * texts.Length, i => Assert.Equal(alone[i % texts.Length], tokenizer.Encode(texts[i % texts.Length])));
    }

    [Theory]
    [InlineData("x")]
    [InlineData("e")]
    [InlineData(" ")]
    [InlineData("the")]
    public void AnEndlessWordTakesNoEndlessTime(string part)
    {
        // Quadratic time would be hours.
        string text = string.Concat(Enumerable.Repeat(part, 4_000_000 / part.Length));
        Assert.Equal(text, Quill.Decode(Quill.Encode(text)));
    }

    [Fact]
    public void UnknownIdsHaveNoText() => Assert.Equal("a", Quill.Decode([int.MinValue, -1, 64, 4096, int.MaxValue]));
}
