using System.Text;

namespace Vernier.Files.Tokenizers.Unicode;

/// <summary>
/// The byte-level alphabet of GPT-2: a visible character for each byte. Bytes 0x21-0x7E, 0xA1-0xAC and 0xAE-0xFF are the
/// characters of the same code; the others in order are U+0100 to U+0143.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] OfByte = Build();
    private static readonly short[] OfCharacter = Invert();

    /// <summary>The 256 characters in the order of their bytes.</summary>
    public static ReadOnlySpan<char> Span => OfByte;

    /// <summary>The 256 characters in the order of their bytes.</summary>
    public static IEnumerable<char> Characters => OfByte;

    /// <summary>The byte of a character, or -1.</summary>
    public static int Byte(char character) => character < OfCharacter.Length ? OfCharacter[character] : -1;

    /// <summary>Writes the UTF-8 bytes of a text as characters.</summary>
    /// <param name="text">The text.</param>
    /// <param name="destination">Receives the characters, at most three per UTF-16 unit.</param>
    /// <returns>How many there are.</returns>
    public static int Encode(ReadOnlySpan<char> text, Span<char> destination)
    {
        ReadOnlySpan<char> alphabet = OfByte;
        Span<byte> bytes = stackalloc byte[4];
        int written = 0;
        for (int i = 0; i < text.Length;)
        {
            if (char.IsAscii(text[i]))
            {
                destination[written++] = alphabet[text[i++]];
                continue;
            }
            Rune.DecodeFromUtf16(text[i..], out Rune rune, out int units);
            i += units;
            int count = rune.EncodeToUtf8(bytes);
            for (int b = 0; b < count; b++)
                destination[written++] = alphabet[bytes[b]];
        }
        return written;
    }

    /// <summary>Writes a text as characters.</summary>
    public static string Encode(string text)
    {
        char[] characters = new char[checked(3 * text.Length)];
        return new string(characters, 0, Encode(text, characters));
    }

    private static char[] Build()
    {
        var characters = new char[256];
        int hidden = 0;
        for (int b = 0; b < 256; b++)
            characters[b] = b is (>= 0x21 and <= 0x7E) or (>= 0xA1 and <= 0xAC) or >= 0xAE ? (char)b : (char)(0x100 + hidden++);
        return characters;
    }

    private static short[] Invert()
    {
        var bytes = new short[0x144];
        Array.Fill(bytes, (short)-1);
        for (int b = 0; b < 256; b++)
            bytes[OfByte[b]] = (short)b;
        return bytes;
    }
}
