using System.Text;
using Vernier.Files.Tokenizers.Unicode;

namespace Vernier.Files.Tokenizers.Decoders;

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
