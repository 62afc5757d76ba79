
namespace Vernier.Files.Tokenizers.Decoders;

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
