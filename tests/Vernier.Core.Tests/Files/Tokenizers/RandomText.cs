using System.Text;

namespace Vernier.Tests;

/// <summary>Random texts in which everything that tokenizers trip over is common.</summary>
internal static class RandomText
{
    private static readonly string[] Parts =
    [
        " ", " ", "  ", "\n", "\r\n", "\t", "'", "'s", "'LL", "'ve", "\u017F", "a", "b", "T", "the", "word", "1", "23", "456", ".", "!?",
            "-", "_", "<", "é", "e\u0301", "ß", "İ",
        "日本", "語", "한", "\u1112\u1161\u11AB", "مر", "हि", "\U0001D49C", "\U0001D7D8", "🙂", "👩\u200D👩", "\u200D", "\u0301", "\u0323",
            "\u0085", "\u00A0", "\u3000", "\u2028", "½", "Ⅷ", "ⓐ", "▁", "\0", "\uFFFD",
    ];

    /// <summary>Well-formed text.</summary>
    public static string Next(Random random, int parts = 24)
    {
        var text = new StringBuilder();
        for (int i = random.Next(parts); i > 0; i--)
            text.Append(random.Next(8) == 0 ? AnyRune(random) : Parts[random.Next(Parts.Length)]);
        return text.ToString();
    }

    /// <summary>Text with lone surrogates.</summary>
    public static string NextBroken(Random random)
    {
        string text = Next(random);
        for (int i = random.Next(1, 4); i > 0; i--)
            text = text.Insert(random.Next(text.Length + 1), ((char)random.Next(0xD800, 0xE000)).ToString());
        return text;
    }

    private static string AnyRune(Random random)
    {
        int value = random.Next(0x11_0000 - 0x800);
        return new Rune(value < 0xD800 ? value : value + 0x800).ToString();
    }
}
