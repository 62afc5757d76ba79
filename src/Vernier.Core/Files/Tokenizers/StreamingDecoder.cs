using System.Text;
using Vernier.Errors;
using Vernier.Files.Tokenizers.Decoders;

namespace Vernier.Files.Tokenizers;

/// <summary>
/// Decodes ids as they come. The texts of <see cref="Add"/> and <see cref="Finish"/> put together are what
/// <see cref="Tokenizer.Decode(ReadOnlySpan{int}, bool)"/> gives for all the ids. Not safe for use by several threads.
/// </summary>
public sealed class StreamingDecoder
{
    private readonly Tokenizer _tokenizer;
    private readonly bool _skipSpecialTokens;
    private readonly StringBuilder _text = new();
    private readonly TokenSink _sink;
    private bool _finished;

    internal StreamingDecoder(Tokenizer tokenizer, IReadOnlyList<DecoderStep> steps, bool skipSpecialTokens)
    {
        _tokenizer = tokenizer;
        _skipSpecialTokens = skipSpecialTokens;
        _sink = new TextSink(_text);
        for (int i = steps.Count - 1; i >= 0; i--)
            _sink = steps[i](_sink);
    }

    /// <summary>
    /// Takes the next id. Characters of which bytes are still missing are held back; so is a whole run of byte tokens
    /// (byte fallback), which is text only if all of it is UTF-8.
    /// </summary>
    /// <param name="id">The id. One that the tokenizer doesn't know has no text.</param>
    /// <returns>The text that became certain, perhaps empty.</returns>
    /// <exception cref="InvalidOperationException">The stream is finished.</exception>
    /// <exception cref="InvalidFileException">The decoder of the file makes a text grow beyond all bounds.</exception>
    public string Add(int id)
    {
        if (_finished)
            throw new InvalidOperationException("the stream is finished; create another for another text");
        if (_tokenizer.TokenText(id) is not { } token || (_skipSpecialTokens && _tokenizer.IsSpecial(id)))
            return "";
        _sink.Add(token);
        return Take();
    }

    /// <summary>Ends the text. Bytes that never became a character are U+FFFD.</summary>
    /// <returns>What was held back, perhaps empty; on a second call always empty.</returns>
    public string Finish()
    {
        if (_finished)
            return "";
        _finished = true;
        _sink.Finish();
        return Take();
    }

    private string Take()
    {
        string text = _text.ToString();
        _text.Clear();
        return text;
    }
}
