
namespace Vernier.Files.Tokenizers.Decoders;

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
