using Vernier.Files.Tokenizers.Unicode;

namespace Vernier.Files.Tokenizers.Patterns;

/// <summary>A hand-written scanner for the pattern of GPT-2, <see cref="Expression"/>, which matches every character.</summary>
internal sealed class Gpt2Pattern : IPattern
{
    /// <summary>The regular expression.</summary>
    public const string Expression = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    /// <inheritdoc/>
    public void FindAll(ReadOnlySpan<char> text, List<PatternMatch> matches)
    {
        for (int start = 0, end; start < text.Length; start = end)
        {
            end = Match(text, start);
            matches.Add(new PatternMatch(start, end - start));
        }
    }

    private static int Match(ReadOnlySpan<char> text, int start)
    {
        if (text[start] == '\'' && Scan.Contraction(text, start, ignoreCase: false) is int length and > 0)
            return start + length;
        // " ?" before a run of one class; whitespace is the class that a run here can't be.
        int first = text[start] == ' ' ? start + 1 : start;
        CharacterClass kind = CharacterClasses.At(text, first, out int units);
        if (units > 0 && kind != CharacterClass.Whitespace)
            return Scan.Run(text, first, kind);
        return Scan.Spaces(text, start);
    }
}
