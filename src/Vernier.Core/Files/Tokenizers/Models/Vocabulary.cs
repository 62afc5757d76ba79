namespace Vernier.Files.Tokenizers.Models;

/// <summary>The two-way table of token texts and ids.</summary>
internal sealed class Vocabulary
{
    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _idsOfSpans;
    private readonly Dictionary<int, string> _texts;

    /// <summary>An empty table.</summary>
    /// <param name="capacity">How many tokens are expected.</param>
    public Vocabulary(int capacity)
    {
        _ids = new Dictionary<string, int>(capacity, StringComparer.Ordinal);
        _idsOfSpans = _ids.GetAlternateLookup<ReadOnlySpan<char>>();
        _texts = new Dictionary<int, string>(capacity);
    }

    /// <summary>How many tokens there are.</summary>
    public int Count => _ids.Count;

    /// <summary>One more than the largest id.</summary>
    public int Size { get; private set; }

    /// <summary>Adds a token; false where the text or the id is taken.</summary>
    public bool TryAdd(string text, int id)
    {
        if (_texts.ContainsKey(id) || !_ids.TryAdd(text, id))
            return false;
        _texts.Add(id, text);
        Size = Math.Max(Size, id + 1);
        return true;
    }

    /// <summary>The id of a text.</summary>
    public bool TryGetId(ReadOnlySpan<char> text, out int id) => _idsOfSpans.TryGetValue(text, out id);

    /// <summary>The text of an id, or null.</summary>
    public string? Text(int id) => _texts.GetValueOrDefault(id);
}
