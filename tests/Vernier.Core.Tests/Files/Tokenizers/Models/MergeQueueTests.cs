using Vernier.Files.Tokenizers.Models;

namespace Vernier.Tests;

/// <summary>The parts of byte-pair encoding: the heap of merges, the words seen lately, the vocabulary.</summary>
public class MergeQueueTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 3)]
    [InlineData(64, 5)]
    [InlineData(65, 1000)]
    [InlineData(1000, 4)]
    [InlineData(1408, int.MaxValue)]
    public void MergesComeByRankAndThenFromTheLeft(int count, int ranks)
    {
        var random = new Random(count);
        var queue = new MergeQueue();
        (int Rank, int Position)[] all =
            [.. Enumerable.Range(0, count).Select(i => (random.Next(ranks), i % 10 == 9 ? int.MaxValue - i : random.Next(2 * count)))];
        for (int round = 0; round < 2; round++)
        {
            foreach ((int rank, int position) in all)
                queue.Add(rank, position);
            Assert.Equal(all.Order(), Drain(queue));
            Assert.False(queue.TryTake(out _, out _));
        }
    }

    [Fact]
    public void AddingBetweenTakingKeepsTheOrder()
    {
        var random = new Random(5);
        var queue = new MergeQueue();
        var expected = new List<(int Rank, int Position)>();
        for (int step = 0; step < 5000; step++)
        {
            if (random.Next(3) > 0)
            {
                (int, int) merge = (random.Next(50), random.Next(50));
                queue.Add(merge.Item1, merge.Item2);
                expected.Add(merge);
            }
            else if (expected.Count > 0)
            {
                Assert.True(queue.TryTake(out int rank, out int position));
                Assert.Equal(expected.Min(), (rank, position));
                expected.Remove((rank, position));
            }
        }
        Assert.Equal(expected.Order(), Drain(queue));
        queue.Add(1, 1);
        queue.Clear();
        Assert.False(queue.TryTake(out _, out _));
    }

    [Fact]
    public void AWordDrivesOutTheOneOfItsPlaceAndNoOther()
    {
        var cache = new WordCache(tokens: 1);
        string[] words = [.. Enumerable.Range(0, 2000).Select(i => $"word{i}"), "", "\ud83d\ude00", "e\u0301"];
        var last = new Dictionary<int, string>();
        foreach (string word in words)
        {
            int place = cache.Place(word);
            Assert.InRange(place, 0, 255);
            Assert.Equal(place, cache.Place(word));
            Assert.False(cache.TryGet(place, word, out ReadOnlySpan<int> none));
            Assert.True(none.IsEmpty);
            cache.Put(place, word, [word.Length, place]);
            last[place] = word;
        }
        foreach (string word in words)
        {
            int place = cache.Place(word);
            bool there = cache.TryGet(place, word, out ReadOnlySpan<int> ids);
            Assert.Equal(last[place] == word, there);
            Assert.Equal(there ? [word.Length, place] : [], ids.ToArray());
        }
        Assert.InRange(new WordCache(int.MaxValue).Place("word"), 0, (1 << 15) - 1);
    }

    [Fact]
    public void AVocabularyHasEachTextAndEachIdOnce()
    {
        var vocabulary = new Vocabulary(4);
        Assert.True(vocabulary.TryAdd("a", 3));
        Assert.True(vocabulary.TryAdd("", 0));
        Assert.False(vocabulary.TryAdd("a", 5));
        Assert.False(vocabulary.TryAdd("b", 3));
        Assert.True(vocabulary.TryAdd("b", 1));
        Assert.Equal((3, 4), (vocabulary.Count, vocabulary.Size));
        Assert.Equal(["", "b", null, "a", null], Enumerable.Range(0, 5).Select(vocabulary.Text));
        Assert.True(vocabulary.TryGetId("a", out int id));
        Assert.Equal(3, id);
        Assert.False(vocabulary.TryGetId("A", out _));
        // A text that was refused left no id behind, and an id that was refused no text.
        Assert.Null(vocabulary.Text(5));
        Assert.True(vocabulary.TryAdd("c", 5));
        Assert.Equal(6, vocabulary.Size);
    }

    [Fact]
    public void OfAPairThatIsGivenTwiceTheLastRankCounts()
    {
        var vocabulary = new Vocabulary(4);
        foreach ((string text, int id) in (ReadOnlySpan<(string, int)>)[("a", 0), ("b", 1), ("ab", 2), ("é😀", 3)])
            vocabulary.TryAdd(text, id);
        var table = new MergeTable([(0, 1, 2), (0, 0, 3), (0, 1, 2)], vocabulary);
        Assert.True(table.TryGetRank(0, 1, out int rank));
        Assert.Equal((2, 2), (rank, table.Result(rank)));
        Assert.False(table.TryGetRank(1, 0, out _));
        Assert.True(table.CanJoin(new('a'), new('b')));
        Assert.True(table.CanJoin(new('é'), new(0x1F600)));
        Assert.False(table.CanJoin(new('b'), new('a')));
        Assert.False(table.CanJoin(new('a'), new('é')));
    }

    private static List<(int Rank, int Position)> Drain(MergeQueue queue)
    {
        var taken = new List<(int, int)>();
        while (queue.TryTake(out int rank, out int position))
            taken.Add((rank, position));
        return taken;
    }
}
