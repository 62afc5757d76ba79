using System.Globalization;
using System.Text;

namespace Vernier.Files.Tokenizers.Unicode;

/// <summary>The four classes that the word-splitting patterns tell apart.</summary>
internal enum CharacterClass : byte
{
    /// <summary>Everything else: punctuation, symbols, marks, controls, unassigned.</summary>
    Other,

    /// <summary><c>\p{L}</c>.</summary>
    Letter,

    /// <summary><c>\p{N}</c>.</summary>
    Number,

    /// <summary><c>\s</c>: the Unicode property White_Space.</summary>
    Whitespace,
}

/// <summary>Classifies code points; supplementary planes count as what they are, not as surrogates.</summary>
internal static class CharacterClasses
{
    private static readonly CharacterClass[] Plane0 = BuildPlane0();

    /// <summary>The class of the code point that begins at an index of well-formed UTF-16.</summary>
    /// <param name="text">The text.</param>
    /// <param name="index">Where the code point begins; past the end is <see cref="CharacterClass.Other"/> of length 0.</param>
    /// <param name="length">Its length in UTF-16 units: 0, 1 or 2.</param>
    public static CharacterClass At(ReadOnlySpan<char> text, int index, out int length)
    {
        if ((uint)index >= (uint)text.Length)
        {
            length = 0;
            return CharacterClass.Other;
        }
        char c = text[index];
        length = 1;
        if (!char.IsHighSurrogate(c) || index + 1 >= text.Length || !char.IsLowSurrogate(text[index + 1]))
            return Plane0[c];
        length = 2;
        return Of(Rune.GetUnicodeCategory(new Rune(c, text[index + 1])));
    }

    /// <summary>Whether <c>\w</c> of Unicode regular expressions holds: alphabetic, mark, decimal number, connector, joiner.</summary>
    public static bool IsWord(Rune rune)
    {
        int value = rune.Value;
        return Rune.GetUnicodeCategory(rune) switch
        {
            <= UnicodeCategory.OtherLetter => true,
            UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => true,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.ConnectorPunctuation => true,
            UnicodeCategory.Format => value is 0x200C or 0x200D,
            // Circled and squared Latin letters are symbols with the property Alphabetic.
            UnicodeCategory.OtherSymbol => value is (>= 0x24B6 and <= 0x24E9) or (>= 0x1F130 and <= 0x1F149)
                or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189),
            _ => false,
        };
    }

    /// <summary>Whether a code point is ASCII punctuation or of a category P.</summary>
    public static bool IsPunctuation(Rune rune) =>
        rune.IsAscii ? char.IsAscii((char)rune.Value) && (char.IsPunctuation((char)rune.Value) || char.IsSymbol((char)rune.Value))
            : Rune.IsPunctuation(rune);

    /// <summary>Whether a code point is a combining mark: a category M.</summary>
    public static bool IsMark(Rune rune) => Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark;

    private static CharacterClass Of(UnicodeCategory category) => category switch
    {
        <= UnicodeCategory.OtherLetter => CharacterClass.Letter,
        >= UnicodeCategory.DecimalDigitNumber and <= UnicodeCategory.OtherNumber => CharacterClass.Number,
        _ => CharacterClass.Other,
    };

    private static CharacterClass[] BuildPlane0()
    {
        var classes = new CharacterClass[0x10000];
        for (int c = 0; c < classes.Length; c++)
            classes[c] = char.IsWhiteSpace((char)c) ? CharacterClass.Whitespace : Of(char.GetUnicodeCategory((char)c));
        return classes;
    }
}
