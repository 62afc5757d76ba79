using System.Text;

namespace Vernier.Files.Tokenizers.Decoders;

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
