
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
