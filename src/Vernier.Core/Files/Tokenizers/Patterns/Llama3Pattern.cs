using Vernier.Files.Tokenizers.Unicode;

namespace Vernier.Files.Tokenizers.Patterns;

/// <summary>
/// A hand-written scanner for the patterns of Llama 3 and Qwen, which match every character and differ in how many digits
/// go together.
/// </summary>
/// <param name="maxDigits">The most digits of one match: 3 for Llama 3, 1 for Qwen.</param>
internal sealed class Llama3Pattern(int maxDigits) : IPattern
{
    /// <summary>The regular expression of Llama 3.</summary>
    public const string Llama3Expression =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>The regular expression of Qwen 2, 2.5 and 3.</summary>
    public const string QwenExpression =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <inheritdoc/>
    public void FindAll(ReadOnlySpan<char> text, List<PatternMatch> matches)
    {
        for (int start = 0, end; start < text.Length; start = end)
        {
            end = Match(text, start);
            matches.Add(new PatternMatch(start, end - start));
        }
    }

    private int Match(ReadOnlySpan<char> text, int start)
    {
        char c = text[start];
        if (c == '\'' && Scan.Contraction(text, start, ignoreCase: true) is int length and > 0)
            return start + length;
        CharacterClass kind = CharacterClasses.At(text, start, out int units);
        if (kind == CharacterClass.Letter)
            return Scan.Run(text, start + units, CharacterClass.Letter);
        if (kind == CharacterClass.Number)
            return Digits(text, start + units);
        CharacterClass nextKind = CharacterClasses.At(text, start + units, out int nextUnits);
        // One character that is no line break, then letters.
        if (nextKind == CharacterClass.Letter && c is not ('\r' or '\n'))
            return Scan.Run(text, start + units, CharacterClass.Letter);
        bool spaceBeforeOther = c == ' ' && nextUnits > 0 && nextKind == CharacterClass.Other;
        if (kind == CharacterClass.Other || spaceBeforeOther)
        {
            int end = Scan.Run(text, start + units, CharacterClass.Other);
            while (end < text.Length && text[end] is '\r' or '\n')
                end++;
            return end;
        }
        // Whitespace goes up to the last line break of the run, where it has one.
        int spaces = Scan.Run(text, start, CharacterClass.Whitespace);
        int lineBreak = text[start..spaces].LastIndexOfAny('\r', '\n');
        return lineBreak >= 0 ? start + lineBreak + 1 : Scan.Spaces(text, start);
    }

    private int Digits(ReadOnlySpan<char> text, int end)
    {
        for (int count = 1; count < maxDigits && CharacterClasses.At(text, end, out int units) == CharacterClass.Number; count++)
            end += units;
        return end;
    }
}
