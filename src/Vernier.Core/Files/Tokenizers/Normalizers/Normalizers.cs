using System.Text;
using Vernier.Files.Tokenizers.Patterns;
using Vernier.Files.Tokenizers.Unicode;

namespace Vernier.Files.Tokenizers.Normalizers;

/// <summary>Rewrites a text before it is cut.</summary>
internal interface INormalizer
{
    /// <summary>The text rewritten; the same instance where nothing changes.</summary>
    string Normalize(string text);
}

/// <summary>A normalization form of Unicode.</summary>
/// <param name="Compose">Composes: NFC, NFKC.</param>
/// <param name="Compatibility">Decomposes compatibility characters: NFKD, NFKC.</param>
internal sealed record UnicodeForm(bool Compose, bool Compatibility) : INormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text) => UnicodeNormalization.Normalize(text, Compose, Compatibility);
}

/// <summary>Puts a text before what isn't empty.</summary>
internal sealed record Prepend(string Text) : INormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text) => text.Length == 0 ? text : Text + text;
}

/// <summary>Puts a text in the place of each match.</summary>
/// <param name="Pattern">What to look for.</param>
/// <param name="Content">What to put in its place.</param>
internal sealed record Replace(IPattern Pattern, string Content) : INormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text)
    {
        if (Pattern is LiteralPattern { Text.Length: > 0 } literal)
            return text.Replace(literal.Text, Content, StringComparison.Ordinal);
        var matches = new List<PatternMatch>();
        Pattern.FindAll(text, matches);
        var result = new StringBuilder(text.Length);
        int end = 0;
        foreach (PatternMatch match in matches)
        {
            result.Append(text, end, match.Start - end).Append(Content);
            end = match.End;
        }
        return result.Append(text, end, text.Length - end).ToString();
    }
}

/// <summary>Removes whitespace at the ends.</summary>
internal sealed record Strip(bool Left, bool Right) : INormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text)
    {
        ReadOnlySpan<char> span = text;
        if (Left)
            span = span.TrimStart();
        if (Right)
            span = span.TrimEnd();
        return span.Length == text.Length ? text : span.ToString();
    }
}

/// <summary>Rewrites code point by code point; an empty result leaves one out.</summary>
internal sealed record Map(Func<Rune, string?> Rewrite) : INormalizer
{
    /// <summary>Lower case by the simple mapping, and U+0130 as <c>i</c> and a dot above.</summary>
    public static Map Lowercase { get; } = new(rune =>
        rune.Value == 0x130 ? "i\u0307" : Rune.ToLowerInvariant(rune) is var lower && lower == rune ? null : lower.ToString());

    /// <summary>Leaves out combining marks.</summary>
    public static Map StripAccents { get; } = new(rune => CharacterClasses.IsMark(rune) ? "" : null);

    /// <inheritdoc/>
    public string Normalize(string text)
    {
        var result = new StringBuilder(text.Length);
        int index = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (Rewrite(rune) is { } other)
                result.Append(other);
            else
                result.Append(text, index, rune.Utf16SequenceLength);
            index += rune.Utf16SequenceLength;
        }
        return result.ToString();
    }
}

/// <summary>Writes the UTF-8 bytes as characters of the <see cref="ByteAlphabet"/>.</summary>
internal sealed class ByteLevelNormalizer : INormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text) => ByteAlphabet.Encode(text);
}
