using System.Text.Json.Nodes;
using Vernier.Files.Tokenizers.Models;

namespace Vernier.Tests;

/// <summary>Merging, against the plainest way to do it.</summary>
public class BytePairTests
{
    [Fact]
    public void MergesAreThoseOfThePlainAlgorithm()
    {
        var random = new Random(9);
        for (int round = 0; round < 200; round++)
        {
            (Vocabulary vocabulary, List<(int Left, int Right, int Result)> merges) = RandomModel(random);
            var table = new MergeTable(merges, vocabulary);
            var model = new BytePairModel(vocabulary, table, new BytePairOptions());
            for (int i = 0; i < 20; i++)
            {
                // Longer than the words that are cached, so that words are cut too.
                string text = string.Concat(Enumerable.Range(0, random.Next(1, 200)).Select(_ => "abcde"[random.Next(5)]));
                var ids = new List<int>();
                model.Encode(text, ids, new Word());
                Assert.Equal(Plain(text, vocabulary, merges), ids);
            }
        }
    }

    [Theory]
    [InlineData(true, true, new[] { 0 })]
    [InlineData(false, true, new[] { 0, 0, 0 })]
    [InlineData(false, false, new int[0])]
    public void UnknownCharactersAreFusedKeptOrLeftOut(bool fuse, bool named, int[] expected)
    {
        JsonObject document = TokenizerFixtures.Create("metaspace");
        document["model"]!["fuse_unk"] = fuse;
        document["pre_tokenizer"] = null;
        if (!named)
            document["model"]!["unk_token"] = null;
        using var folder = new TokenizerFolder(document);
        Assert.Equal(expected, folder.Load().Encode("日本😀"));
    }

    [Fact]
    public void MergesMayBeTextsOrPairs()
    {
        JsonObject texts = TokenizerFixtures.Create("gpt2"), pairs = TokenizerFixtures.Create("gpt2");
        pairs["model"]!["merges"] = new JsonArray(
            [.. pairs["model"]!["merges"]!.AsArray().Select(
            merge => new JsonArray([.. merge!.GetValue<string>().Split(' ').Select(part => (JsonNode)part)]))]);
        texts["model"]!["merges"]!.AsArray().Insert(0, "#version: 0.2");
        using TokenizerFolder first = new(texts), second = new(pairs);
        Assert.Equal(first.Load().Encode("hello in the world"), second.Load().Encode("hello in the world"));
    }

    [Fact]
    public void APrefixOfContinuingSymbolsIsKept()
    {
        JsonNode model = JsonNode.Parse(
            """
                {"type":"BPE","continuing_subword_prefix":"##","vocab":{"a":0,"##b":1,"##c":2,"ab":3,"##bc":4,"abc":5},
                "merges":["##b ##c","a ##bc"]}
                """)!;
        using var folder = new TokenizerFolder(new JsonObject { ["model"] = model });
        Assert.Equal([5], folder.Load().Encode("abc"));
        Assert.Equal([0, 1], folder.Load().Encode("ab"));
    }

    private static (Vocabulary Vocabulary, List<(int Left, int Right, int Result)> Merges) RandomModel(Random random)
    {
        var vocabulary = new Vocabulary(64);
        foreach (char c in "abcde")
            vocabulary.TryAdd(c.ToString(), vocabulary.Count);
        var merges = new List<(int, int, int)>();
        for (int i = random.Next(40); i > 0; i--)
        {
            int left = random.Next(vocabulary.Count), right = random.Next(vocabulary.Count);
            string text = vocabulary.Text(left)! + vocabulary.Text(right);
            if (text.Length > 12 || vocabulary.TryGetId(text, out _))
                continue;
            vocabulary.TryAdd(text, vocabulary.Count);
            merges.Add((left, right, vocabulary.Count - 1));
        }
        return (vocabulary, merges);
    }

    private static List<int> Plain(string text, Vocabulary vocabulary, List<(int Left, int Right, int Result)> merges)
    {
        List<int> ids = [.. text.Select(c => vocabulary.TryGetId([c], out int id) ? id : -1)];
        while (true)
        {
            (int rank, int at) = (int.MaxValue, -1);
            for (int i = 0; i + 1 < ids.Count; i++)
            {
                int found = merges.FindIndex(merge => merge.Left == ids[i] && merge.Right == ids[i + 1]);
                if (found >= 0 && found < rank)
                    (rank, at) = (found, i);
            }
            if (at < 0)
                return ids;
            ids[at] = merges[rank].Result;
            ids.RemoveAt(at + 1);
        }
    }
}
