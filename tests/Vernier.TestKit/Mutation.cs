using System.Buffers.Binary;
using System.Text;

namespace Vernier.TestKit;

/// <summary>
/// Makes damaged inputs from a valid one, for readers of files from elsewhere: the same seed and number give the same
/// inputs on every machine. Half of the changes know nothing of the format (bits, pieces, integers), half replace, insert
/// or repeat JSON tokens where the input has any.
/// </summary>
public static class Mutation
{
    private const int MaxGrowth = 1 << 16;

    private static readonly long[] Integers =
    [
        0, 1, -1, 2, 7, 8, 9, 63, 64, 65, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 100_000_000, 100_000_001,
        int.MaxValue, int.MinValue, uint.MaxValue, 1L << 32, 1L << 40, 1L << 61, 1L << 62, long.MaxValue, long.MaxValue - 7, long.MinValue,
    ];

    private static readonly byte[][] Tokens =
    [
        .. new[]
        {
            "0", "-0", "-1", "1.0", "0.5", "1e0", "1e999", "-1e999", "1e-999", "00", "0x10", "9007199254740993", "9223372036854775807",
                "9223372036854775808",
            "18446744073709551615", "18446744073709551616", "123456789012345678901234567890", "null", "true", "false", "{}", "[]", "\"\"",
                "[[]]", "[[[[[[[[]]]]]]]]",
            "{\"a\":{\"a\":{}}}", "NaN", "Infinity", "\"\\ud800\"", "\"\\u0000\"", "\"\\ud83d\\ude00\"", "\"\\x\"", "'a'", "//", "/**/",
                "{", "}", "[", "]", ",", ":", "\"", "\\",
            "\ufeff", "\u2028", "😀", "\"__proto__\":1,", "\"a\":1,\"a\":2", "-", "+1", ".5", "5.",
        }.Select(Encoding.UTF8.GetBytes),
        [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xFF], [0x80], [0],
        Encoding.UTF8.GetBytes(new string('[', 1000)), Encoding.UTF8.GetBytes(new string('9', 400)),
        Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"a\":", 200))),
    ];

    /// <summary>Inputs that each differ from the seed by one to four changes.</summary>
    /// <param name="seed">A valid input; it may be empty.</param>
    /// <param name="count">How many inputs to make.</param>
    /// <param name="randomSeed">Chooses the changes.</param>
    /// <returns>The inputs, each in an array of its own and at most 64 KiB longer than the seed.</returns>
    public static IEnumerable<byte[]> Of(byte[] seed, int count, int randomSeed)
    {
        var random = new Random(randomSeed);
        for (int i = 0; i < count; i++)
        {
            byte[] input = (byte[])seed.Clone();
            for (int changes = 1 + (random.Next(8) / 2 % 4); changes > 0; changes--)
                input = Change(input, random);
            yield return input.Length <= seed.Length + MaxGrowth ? input : input[..(seed.Length + MaxGrowth)];
        }
    }

    private static byte[] Change(byte[] input, Random random) => random.Next(16) switch
    {
        0 or 1 => FlipBit(input, random),
        2 => Overwrite(input, random, random.Next(256)),
        3 => input[..random.Next(input.Length + 1)],
        4 => Splice(input, random.Next(input.Length + 1), 0, RandomBytes(random, random.Next(1, 20))),
        5 => Remove(input, random),
        6 => Repeat(input, random),
        7 or 8 => OverwriteInteger(input, random),
        9 => Splice(input, random.Next(input.Length + 1), 0, Tokens[random.Next(Tokens.Length)]),
        10 or 11 => ReplaceNumber(input, random),
        12 or 13 => ReplaceToken(input, random),
        14 => RepeatMember(input, random),
        _ => RemoveToken(input, random),
    };

    private static byte[] FlipBit(byte[] input, Random random)
    {
        if (input.Length > 0)
            input[random.Next(input.Length)] ^= (byte)(1 << random.Next(8));
        return input;
    }

    private static byte[] Overwrite(byte[] input, Random random, int value)
    {
        if (input.Length > 0)
            input[random.Next(input.Length)] = (byte)value;
        return input;
    }

    private static byte[] Remove(byte[] input, Random random)
    {
        (int begin, int length) = Piece(input, random);
        return Splice(input, begin, length, []);
    }

    private static byte[] Repeat(byte[] input, Random random)
    {
        (int begin, int length) = Piece(input, random);
        return Splice(input, random.Next(2) == 0 ? begin : random.Next(input.Length + 1), 0, input.AsSpan(begin, length).ToArray());
    }

    /// <summary>Writes an interesting integer of 1, 2, 4 or 8 bytes, often at the beginning, where formats have their sizes.</summary>
    private static byte[] OverwriteInteger(byte[] input, Random random)
    {
        int width = 1 << random.Next(4);
        if (input.Length < width)
            return input;
        int at = random.Next(3) == 0 ? random.Next(Math.Min(input.Length - width, 32) + 1) : random.Next(input.Length - width + 1);
        long value = random.Next(4) == 0 ? input.Length + random.Next(-16, 17) : Integers[random.Next(Integers.Length)];
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        bytes.AsSpan(0, width).CopyTo(input.AsSpan(at));
        return input;
    }

    /// <summary>Replaces a run of decimal digits by another number, near it or interesting.</summary>
    private static byte[] ReplaceNumber(byte[] input, Random random)
    {
        (int begin, int length) = Run(input, random, char.IsAsciiDigit);
        if (length is 0 or > 18)
            return input;
        long number = long.Parse(Encoding.ASCII.GetString(input, begin, length));
        long value = random.Next(3) == 0 ? number + random.Next(-9, 10) : Integers[random.Next(Integers.Length)];
        return Splice(input, begin, length, Encoding.ASCII.GetBytes(value.ToString()));
    }

    private static byte[] ReplaceToken(byte[] input, Random random)
    {
        (int begin, int length) = Token(input, random);
        return Splice(input, begin, length, Tokens[random.Next(Tokens.Length)]);
    }

    private static byte[] RemoveToken(byte[] input, Random random)
    {
        (int begin, int length) = Token(input, random);
        return Splice(input, begin, length, []);
    }

    /// <summary>Repeats the text from a quotation mark up to a later comma or brace: often a member, under the same name or a new
    /// one.</summary>
    private static byte[] RepeatMember(byte[] input, Random random)
    {
        if (input.Length == 0)
            return input;
        int begin = Array.IndexOf(input, (byte)'"', random.Next(input.Length));
        int end = begin < 0 ? -1 : Array.IndexOf(input, random.Next(2) == 0 ? (byte)',' : (byte)'}', begin);
        if (end < 0)
            return input;
        byte[] member = [.. input.AsSpan(begin, end + 1 - begin), .. input[end] == '}' ? ","u8 : []];
        if (random.Next(2) == 0 && member.Length > 1)
            member[1] = (byte)random.Next('a', 'z' + 1);
        return Splice(input, begin, 0, member);
    }

    /// <summary>A token near a random place: a string with its quotation marks, a word or number, or a single sign.</summary>
    private static (int Begin, int Length) Token(byte[] input, Random random)
    {
        if (input.Length == 0)
            return (0, 0);
        int at = random.Next(input.Length);
        if (input[at] == '"')
        {
            int end = Array.IndexOf(input, (byte)'"', at + 1);
            return (at, end < 0 ? 1 : end + 1 - at);
        }
        return char.IsAsciiLetterOrDigit((char)input[at]) ? Run(input, at, char.IsAsciiLetterOrDigit) : (at, 1);
    }

    private static (int Begin, int Length) Run(byte[] input, Random random, Func<char, bool> belongs)
    {
        int start = random.Next(input.Length + 1);
        int at = Array.FindIndex(input, start, x => belongs((char)x));
        return at < 0 ? (0, 0) : Run(input, at, belongs);
    }

    private static (int Begin, int Length) Run(byte[] input, int at, Func<char, bool> belongs)
    {
        int begin = at, end = at;
        while (begin > 0 && belongs((char)input[begin - 1]))
            begin--;
        while (end < input.Length && belongs((char)input[end]))
            end++;
        return (begin, end - begin);
    }

    private static (int Begin, int Length) Piece(byte[] input, Random random)
    {
        int begin = random.Next(input.Length + 1);
        int longest = random.Next(4) == 0 ? input.Length : 16;
        return (begin, random.Next(Math.Min(longest, input.Length - begin) + 1));
    }

    private static byte[] RandomBytes(Random random, int length)
    {
        byte[] bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    private static byte[] Splice(byte[] input, int begin, int removed, ReadOnlySpan<byte> inserted) =>
        [.. input.AsSpan(0, begin), .. inserted, .. input.AsSpan(begin + removed)];
}
