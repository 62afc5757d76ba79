using System.Buffers;
using System.Text;
using Vernier.Files.Tokenizers.Unicode;

namespace Vernier.Files.Tokenizers.AddedTokens;

/// <summary>A part of a text: an added token, or what lies between two.</summary>
/// <param name="Start">Where it begins.</param>
/// <param name="End">Where it ends.</param>
/// <param name="Token">The token, or null.</param>
internal readonly record struct AddedTokenSpan(int Start, int End, AddedToken? Token);

/// <summary>Finds added tokens in a text: from left to right, of those that begin at one place the longest.</summary>
internal sealed class AddedTokenMatcher
{
    /// <summary>The longest token, in UTF-16 units: what bounds the work per character.</summary>
    public const int MaxLength = 256;

    private readonly Node _root = new();
    private readonly SearchValues<char> _first;

    /// <summary>Builds the matcher.</summary>
    /// <param name="tokens">Each token with the text to look for. Of the same text given twice the first counts; the empty text is never
    /// found.</param>
    public AddedTokenMatcher(IEnumerable<(AddedToken Token, string Text)> tokens)
    {
        foreach ((AddedToken token, string text) in tokens)
        {
            Node node = _root;
            foreach (char c in text)
            {
                node.Next ??= [];
                if (!node.Next.TryGetValue(c, out Node? next))
                    node.Next.Add(c, next = new Node());
                node = next;
            }
            if (text.Length > 0)
                node.Token ??= token;
        }
        _first = SearchValues.Create([.. _root.Next?.Keys ?? Enumerable.Empty<char>()]);
    }

    /// <summary>Cuts a text into tokens and what lies between. The parts cover the text; none is empty.</summary>
    /// <param name="text">Well-formed text.</param>
    /// <param name="parseSpecial">Whether special tokens count; otherwise their texts are ordinary text.</param>
    public List<AddedTokenSpan> Split(ReadOnlySpan<char> text, bool parseSpecial)
    {
        var spans = new List<AddedTokenSpan>();
        int done = 0;
        for (int index = 0, skip; index < text.Length && (skip = text[index..].IndexOfAny(_first)) >= 0;)
        {
            index += skip;
            AddedToken? token = Longest(text[index..], out int length);
            if (token is null)
            {
                index++;
                continue;
            }
            int start = index, end = index + length;
            index = end;
            // A match that doesn't count is passed over as a whole.
            if ((token.Special && !parseSpecial) || (token.SingleWord && TouchesWord(text, start, end)))
                continue;
            while (token.StripLeft && start > done && char.IsWhiteSpace(text[start - 1]))
                start--;
            while (token.StripRight && end < text.Length && char.IsWhiteSpace(text[end]))
                end++;
            if (start > done)
                spans.Add(new AddedTokenSpan(done, start, null));
            spans.Add(new AddedTokenSpan(start, end, token));
            done = index = end;
        }
        if (done < text.Length)
            spans.Add(new AddedTokenSpan(done, text.Length, null));
        return spans;
    }

    private AddedToken? Longest(ReadOnlySpan<char> text, out int length)
    {
        AddedToken? longest = null;
        length = 0;
        Node? node = _root;
        for (int i = 0; i < text.Length && node.Next is not null && node.Next.TryGetValue(text[i], out node); i++)
        {
            if (node.Token is not null)
                (longest, length) = (node.Token, i + 1);
        }
        return longest;
    }

    private static bool TouchesWord(ReadOnlySpan<char> text, int start, int end) =>
        (Rune.DecodeLastFromUtf16(text[..start], out Rune before, out _) == OperationStatus.Done && CharacterClasses.IsWord(before))
        || (Rune.DecodeFromUtf16(text[end..], out Rune after, out _) == OperationStatus.Done && CharacterClasses.IsWord(after));

    private sealed class Node
    {
        public Dictionary<char, Node>? Next { get; set; }

        public AddedToken? Token { get; set; }
    }
}
