using Vernier.Files.Tokenizers.Unicode;

namespace Vernier.Files.Tokenizers.Patterns;

/// <summary>The parts that the known patterns share.</summary>
internal static class Scan
{
    /// <summary>The end of the run of a class that begins, or may begin, at an index.</summary>
    public static int Run(ReadOnlySpan<char> text, int index, CharacterClass kind)
    {
        while (CharacterClasses.At(text, index, out int units) == kind && units > 0)
            index += units;
        return index;
    }

    /// <summary>
    /// The end of <c>\s+(?!\S)|\s+</c>: a run of whitespace, less its last character where something follows, as that
    /// character belongs to what follows; a single character goes alone.
    /// </summary>
    public static int Spaces(ReadOnlySpan<char> text, int start)
    {
        int end = Run(text, start, CharacterClass.Whitespace);
        return end == text.Length || end == start + 1 ? end : end - 1;
    }

    /// <summary>The length of <c>'s|'t|'re|'ve|'m|'ll|'d</c> at an apostrophe, or 0.</summary>
    public static int Contraction(ReadOnlySpan<char> text, int start, bool ignoreCase)
    {
        char first = start + 1 < text.Length ? Fold(text[start + 1], ignoreCase) : '\0';
        char second = start + 2 < text.Length ? Fold(text[start + 2], ignoreCase) : '\0';
        return (first, second) switch
        {
            ('s' or 't' or 'm' or 'd', _) => 2,
            ('r' or 'v', 'e') or ('l', 'l') => 3,
            _ => 0,
        };
    }

    /// <summary>Simple case folding of the letters of contractions; the long s is an s.</summary>
    private static char Fold(char c, bool ignoreCase) =>
        !ignoreCase ? c : c == '\u017F' ? 's' : char.IsAsciiLetterUpper(c) ? (char)(c | 0x20) : c;
}
