using System.Text;

namespace Vernier.Files.Tokenizers.Unicode;

/// <summary>Mends UTF-16.</summary>
internal static class WellFormed
{
    /// <summary>The text with every lone surrogate replaced by U+FFFD; the same instance where there is none.</summary>
    public static string Of(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
            return text;
        var result = new StringBuilder(text.Length);
        Span<char> units = stackalloc char[2];
        foreach (Rune rune in text.EnumerateRunes())
            result.Append(units[..rune.EncodeToUtf16(units)]);
        return result.ToString();
    }
}
