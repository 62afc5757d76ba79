namespace Vernier.Files.Tokenizers.Patterns;

/// <summary>The occurrences of a text, which don't overlap. The empty text has none.</summary>
internal sealed record LiteralPattern(string Text) : IPattern
{
    /// <inheritdoc/>
    public void FindAll(ReadOnlySpan<char> text, List<PatternMatch> matches)
    {
        if (Text.Length == 0)
            return;
        for (int start = 0, index; (index = text[start..].IndexOf(Text, StringComparison.Ordinal)) >= 0; start += index + Text.Length)
            matches.Add(new PatternMatch(start + index, Text.Length));
    }
}
