using System.Text;

namespace Vernier.Files.Tokenizers.Patterns;

/// <summary>Every single code point that has a property.</summary>
internal sealed record RunePattern(Func<Rune, bool> Has) : IPattern
{
    /// <inheritdoc/>
    public void FindAll(ReadOnlySpan<char> text, List<PatternMatch> matches)
    {
        for (int i = 0; i < text.Length;)
        {
            Rune.DecodeFromUtf16(text[i..], out Rune rune, out int units);
            if (Has(rune))
                matches.Add(new PatternMatch(i, units));
            i += units;
        }
    }
}
