using System.Text;
using Vernier.Files.Tokenizers;
using Vernier.Files.Tokenizers.Unicode;

namespace Vernier.Tests;

/// <summary>Decoding id by id.</summary>
public class TokenizerStreamTests
{
    public static TheoryData<string> Names => [.. TokenizerFixtures.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void AStreamGivesTheTextOfTheWhole(string name)
    {
        Tokenizer tokenizer = TokenizerFolder.Load(name);
        var random = new Random(7);
        for (int i = 0; i < 3000; i++)
        {
            int[] ids = [.. Enumerable.Range(0, random.Next(30)).Select(_ => random.Next(-1, tokenizer.VocabularySize + 2))];
            bool skip = random.Next(2) == 0;
            StreamingDecoder stream = tokenizer.CreateStream(skip);
            var text = new StringBuilder();
            foreach (int id in ids)
                text.Append(stream.Add(id));
            text.Append(stream.Finish());
            Assert.Equal(tokenizer.Decode(ids, skip), text.ToString());
            Assert.Equal(tokenizer.Decode((IEnumerable<int>)ids, skip), text.ToString());
        }
    }

    [Fact]
    public void BytesThatAreNoTextAreReplaced()
    {
        Tokenizer tokenizer = Tokenizer.Load(SharedData.Quill);
        var random = new Random(8);
        for (int i = 0; i < 3000; i++)
        {
            int[] ids = [.. Enumerable.Range(0, random.Next(20)).Select(_ => random.Next(4094))];
            byte[] bytes = [.. ids.SelectMany(id => tokenizer.TokenText(id)!).Select(c => (byte)ByteAlphabet.Byte(c))];
            Assert.Equal(Encoding.UTF8.GetString(bytes), tokenizer.Decode(ids));
        }
    }

    [Fact]
    public void ACharacterIsHeldBackUntilItIsWhole()
    {
        Tokenizer tokenizer = TokenizerFolder.Load("gpt2");
        StreamingDecoder stream = tokenizer.CreateStream();
        Assert.Equal(["", "", "", "🙂"], new[] { 0xF0, 0x9F, 0x99, 0x82 }.Select(stream.Add));
        Assert.Equal("", stream.Add(0xE2));
        Assert.Equal("\uFFFDa", stream.Add('a'));
        Assert.Equal("", stream.Add(0xC3));
        Assert.Equal("\uFFFD", stream.Finish());
        Assert.Equal("", stream.Finish());
        Refusal.Of<InvalidOperationException>("the stream is finished", () => stream.Add('a'));
    }

    [Fact]
    public void ARunOfByteTokensIsTextAsAWholeOrNot()
    {
        Tokenizer tokenizer = TokenizerFolder.Load("sentencepiece");
        int Byte(int value) => value + 3;
        StreamingDecoder stream = tokenizer.CreateStream();
        Assert.Equal("", stream.Add(Byte(0xC3)));
        Assert.Equal("", stream.Add(Byte(0xA9)));
        Assert.Equal("é hello", stream.Add(259) + stream.Add(277));
        Assert.Equal("\uFFFD\uFFFD\uFFFDhello", tokenizer.Decode([Byte(0xC3), Byte(0xA9), Byte(0xC3), 277]));
    }

    [Theory]
    [InlineData("""{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"Strip","content":"h","start":2,"stop":1}]}""", "ellohellohello")]
    [InlineData("""{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"Replace","pattern":{"String":"oh"},"content":"-"}]}""",
        "hell-ell-ello")]
    [InlineData("""{"type":"Strip","content":"o","start":0,"stop":3}""", "hellhellhell")]
    [InlineData("""{"type":"Replace","pattern":{"Regex":"l+"},"content":"L"}""", "heLoheLoheLo")]
    [InlineData("null", "hello hello hello")]
    public void DecodersWorkOnTokensOrOnTheWhole(string decoder, string expected)
    {
        System.Text.Json.Nodes.JsonObject document = TokenizerFixtures.Create("sentencepiece");
        document["decoder"] = System.Text.Json.Nodes.JsonNode.Parse(decoder);
        using var folder = new TokenizerFolder(document);
        Assert.Equal(expected, folder.Load().Decode([277, 277, 277]));
    }
}
