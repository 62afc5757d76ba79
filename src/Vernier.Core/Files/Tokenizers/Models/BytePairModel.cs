using System.Runtime.InteropServices;
using System.Text;

namespace Vernier.Files.Tokenizers.Models;

/// <summary>
/// Byte-pair encoding (Sennrich et al., 2016): a word begins as its characters, and of the pairs of neighbours in the table
/// of merges the first in rank becomes one token, until none is left.
/// </summary>
internal sealed class BytePairModel
{
    /// <summary>How many code points have their ids in an array.</summary>
    private const int Direct = 0x400;

    private readonly BytePairOptions _options;
    private readonly MergeTable _merges;
    private readonly int[] _directIds = new int[Direct];
    private readonly int[]? _byteIds;
    private readonly Lazy<WordCache> _cache;

    /// <summary>Builds the model.</summary>
    public BytePairModel(Vocabulary vocabulary, MergeTable merges, BytePairOptions options)
    {
        Vocabulary = vocabulary;
        _merges = merges;
        _options = options;
        for (int c = 0; c < Direct; c++)
            _directIds[c] = vocabulary.TryGetId([(char)c], out int id) ? id : -1;
        if (options.ByteFallback)
            _byteIds = [.. Enumerable.Range(0, 256).Select(value => vocabulary.TryGetId($"<0x{value:X2}>", out int id) ? id : -1)];
        _cache = new Lazy<WordCache>(() => new WordCache(vocabulary.Count));
    }

    /// <summary>The tokens.</summary>
    public Vocabulary Vocabulary { get; }

    /// <summary>Appends the ids of a word of well-formed text.</summary>
    /// <param name="text">The word.</param>
    /// <param name="ids">Receives the ids.</param>
    /// <param name="word">Scratch memory.</param>
    public void Encode(ReadOnlySpan<char> text, List<int> ids, Word word)
    {
        if (_options.IgnoreMerges && Vocabulary.TryGetId(text, out int whole))
        {
            ids.Add(whole);
            return;
        }
        if (text.Length > WordCache.MaxLength && _options.Prefix.Length == 0 && _options.Suffix.Length == 0)
        {
            for (int length; text.Length > 0; text = text[length..])
            {
                length = FindCut(text);
                EncodePart(text[..length], ids, word);
            }
            return;
        }
        EncodePart(text, ids, word);
    }

    private void EncodePart(ReadOnlySpan<char> text, List<int> ids, Word word)
    {
        if (text.Length > WordCache.MaxLength)
        {
            Merge(text, ids, word);
            return;
        }
        WordCache cache = _cache.Value;
        int place = cache.Place(text);
        if (cache.TryGet(place, text, out ReadOnlySpan<int> known))
        {
            ids.AddRange(known);
            return;
        }
        int before = ids.Count;
        Merge(text, ids, word);
        cache.Put(place, text, CollectionsMarshal.AsSpan(ids)[before..]);
    }

    /// <summary>The length of the beginning of the text up to the first place that no merge crosses.</summary>
    private int FindCut(ReadOnlySpan<char> text)
    {
        Rune previous = default;
        bool known = false;
        for (int i = 0; i < text.Length;)
        {
            Rune.DecodeFromUtf16(text[i..], out Rune rune, out int units);
            bool knownNow = CharacterId(text.Slice(i, units)) >= 0;
            if (i > 0 && known && knownNow && !_merges.CanJoin(previous, rune))
                return i;
            (previous, known) = (rune, knownNow);
            i += units;
        }
        return text.Length;
    }

    private void Merge(ReadOnlySpan<char> text, List<int> ids, Word word)
    {
        word.Clear();
        bool unknown = false;
        for (int i = 0; i < text.Length;)
        {
            Rune.DecodeFromUtf16(text[i..], out Rune rune, out int units);
            ReadOnlySpan<char> symbol = Affix(text.Slice(i, units), i == 0, i + units == text.Length);
            i += units;
            int id = CharacterId(symbol);
            if (id >= 0)
            {
                if (unknown)
                    word.Add(_options.UnknownId);
                unknown = false;
                word.Add(id);
            }
            else if (!TryAddBytes(symbol, word) && _options.UnknownId >= 0)
            {
                // An unknown token waits for what follows it, and is fused with others that come before that.
                if (unknown && !_options.FuseUnknown)
                    word.Add(_options.UnknownId);
                unknown = true;
            }
        }
        if (unknown)
            word.Add(_options.UnknownId);
        word.Merge(_merges);
        word.CopyTo(ids);
    }

    private ReadOnlySpan<char> Affix(ReadOnlySpan<char> symbol, bool first, bool last)
    {
        if (!first && _options.Prefix.Length > 0)
            symbol = string.Concat(_options.Prefix, symbol);
        return last && _options.Suffix.Length > 0 ? string.Concat(symbol, _options.Suffix) : symbol;
    }

    private int CharacterId(ReadOnlySpan<char> symbol)
    {
        if (symbol.Length == 1 && symbol[0] < Direct)
            return _directIds[symbol[0]];
        return Vocabulary.TryGetId(symbol, out int id) ? id : -1;
    }

    /// <summary>Adds the bytes of a symbol as the tokens <c>&lt;0x00&gt;</c> to <c>&lt;0xFF&gt;</c>, if all of them exist.</summary>
    private bool TryAddBytes(ReadOnlySpan<char> symbol, Word word)
    {
        if (_byteIds is null)
            return false;
        // A symbol is one code point and at most an affix, which is short.
        Span<byte> bytes = stackalloc byte[Encoding.UTF8.GetMaxByteCount(symbol.Length)];
        bytes = bytes[..Encoding.UTF8.GetBytes(symbol, bytes)];
        foreach (byte value in bytes)
        {
            if (_byteIds[value] < 0)
                return false;
        }
        foreach (byte value in bytes)
            word.Add(_byteIds[value]);
        return true;
    }
}
