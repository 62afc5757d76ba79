using System.Text;
using Vernier.Files.Tokenizers.Unicode;

namespace Vernier.Files.Tokenizers.Decoders;

/// <summary>
/// One step of decoding: takes the texts of tokens in order, and hands on what is certain. Decoding a whole sequence is
/// decoding token by token, so that a stream gives the same text.
/// </summary>
internal abstract class TokenSink
{
    /// <summary>Takes the text of the next token.</summary>
    public abstract void Add(string token);

    /// <summary>Hands on what was held back; nothing follows.</summary>
    public abstract void Finish();
}

/// <summary>The end of the line: the text.</summary>
internal sealed class TextSink(StringBuilder text) : TokenSink
{
    /// <inheritdoc/>
    public override void Add(string token) => text.Append(token);

    /// <inheritdoc/>
    public override void Finish()
    {
    }
}

/// <summary>Rewrites each token by itself, given its index.</summary>
internal sealed class MapSink(TokenSink next, Func<string, int, string> rewrite) : TokenSink
{
    private int _index;

    /// <inheritdoc/>
    public override void Add(string token) => next.Add(rewrite(token, _index++));

    /// <inheritdoc/>
    public override void Finish() => next.Finish();
}

/// <summary>Makes one token of all. It is complete only at the end.</summary>
internal sealed class JoinSink(TokenSink next) : TokenSink
{
    private readonly StringBuilder _joined = new();

    /// <inheritdoc/>
    public override void Add(string token) => _joined.Append(token);

    /// <inheritdoc/>
    public override void Finish()
    {
        next.Add(_joined.ToString());
        next.Finish();
    }
}

/// <summary>
/// Reads tokens such as <c>&lt;0x41&gt;</c> as bytes. A run of them is text if the whole run is UTF-8; if not, each byte
/// is U+FFFD. So a run is held back until it ends.
/// </summary>
internal sealed class ByteFallbackSink(TokenSink next) : TokenSink
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly List<byte> _run = [];

    /// <inheritdoc/>
    public override void Add(string token)
    {
        if (token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
            && char.IsAsciiHexDigit(token[3]) && char.IsAsciiHexDigit(token[4]))
        {
            _run.Add(Convert.ToByte(token[3..5], 16));
            return;
        }
        EndRun();
        next.Add(token);
    }

    /// <inheritdoc/>
    public override void Finish()
    {
        EndRun();
        next.Finish();
    }

    private void EndRun()
    {
        if (_run.Count == 0)
            return;
        byte[] bytes = [.. _run];
        _run.Clear();
        if (System.Text.Unicode.Utf8.IsValid(bytes))
        {
            next.Add(Strict.GetString(bytes));
            return;
        }
        foreach (byte _ in bytes)
            next.Add("\uFFFD");
    }
}

/// <summary>
/// Reads the characters of the <see cref="ByteAlphabet"/> as bytes of UTF-8. A token with any other character stands for
/// itself. Each maximal part of a broken sequence becomes one U+FFFD.
/// </summary>
internal sealed class ByteLevelSink(TokenSink next) : TokenSink
{
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();

    /// <inheritdoc/>
    public override void Add(string token)
    {
        byte[] bytes = new byte[token.Length];
        for (int i = 0; i < token.Length; i++)
        {
            int value = ByteAlphabet.Byte(token[i]);
            if (value < 0)
            {
                bytes = Encoding.UTF8.GetBytes(token);
                break;
            }
            bytes[i] = (byte)value;
        }
        HandOn(bytes, flush: false);
    }

    /// <inheritdoc/>
    public override void Finish()
    {
        HandOn([], flush: true);
        next.Finish();
    }

    private void HandOn(byte[] bytes, bool flush)
    {
        char[] text = new char[Encoding.UTF8.GetMaxCharCount(bytes.Length)];
        int length = _decoder.GetChars(bytes, text, flush);
        if (length > 0)
            next.Add(new string(text, 0, length));
    }
}

/// <summary>Puts a space, or nothing after the last token, in the place of the mark that ends a word.</summary>
internal sealed class WordEndSink(TokenSink next, string suffix) : TokenSink
{
    private string? _last;

    /// <inheritdoc/>
    public override void Add(string token)
    {
        if (_last is not null)
            next.Add(End(_last, " "));
        _last = token;
    }

    /// <inheritdoc/>
    public override void Finish()
    {
        if (_last is not null)
            next.Add(End(_last, ""));
        next.Finish();
    }

    private string End(string token, string space) => suffix.Length == 0 ? token : token.Replace(suffix, space, StringComparison.Ordinal);
}

/// <summary>Removes up to a number of characters at the beginning of the whole text, which comes in parts.</summary>
internal sealed class LeadingStripSink(TokenSink next, string character, int most) : TokenSink
{
    private int _left = most;

    /// <inheritdoc/>
    public override void Add(string token)
    {
        int start = 0;
        while (_left > 0 && start < token.Length)
        {
            bool match = string.CompareOrdinal(token, start, character, 0, character.Length) == 0;
            _left = match ? _left - 1 : 0;
            start += match ? character.Length : 0;
        }
        next.Add(token[start..]);
    }

    /// <inheritdoc/>
    public override void Finish() => next.Finish();
}
