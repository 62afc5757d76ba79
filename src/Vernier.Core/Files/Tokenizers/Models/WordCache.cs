namespace Vernier.Files.Tokenizers.Models;

/// <summary>
/// The ids of words seen lately. Each word has one place, by its hash, and drives out what was there: the cache can't grow,
/// and needs no lock, as an entry never changes and a reference is written at once.
/// </summary>
internal sealed class WordCache
{
    /// <summary>The longest word that is kept, in UTF-16 units.</summary>
    public const int MaxLength = 48;

    private readonly Entry?[] _entries;

    /// <summary>An empty cache.</summary>
    /// <param name="tokens">How many tokens the vocabulary has: a guess at how many words there are.</param>
    public WordCache(int tokens) =>
        _entries = new Entry?[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(tokens, 256, 1 << 15))];

    /// <summary>The place of a word.</summary>
    public int Place(ReadOnlySpan<char> word) => string.GetHashCode(word, StringComparison.Ordinal) & (_entries.Length - 1);

    /// <summary>The ids of a word that is in its place.</summary>
    public bool TryGet(int place, ReadOnlySpan<char> word, out ReadOnlySpan<int> ids)
    {
        Entry? entry = _entries[place];
        bool found = entry is not null && word.SequenceEqual(entry.Word);
        ids = found ? entry!.Ids : default;
        return found;
    }

    /// <summary>Puts a word in its place.</summary>
    public void Put(int place, ReadOnlySpan<char> word, ReadOnlySpan<int> ids) =>
        _entries[place] = new Entry(word.ToString(), ids.ToArray());

    private sealed record Entry(string Word, int[] Ids);
}
