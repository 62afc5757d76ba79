
namespace Vernier.Files.Tokenizers.Decoders;

/// <summary>Rewrites each token by itself, given its index.</summary>
internal sealed class MapSink(TokenSink next, Func<string, int, string> rewrite) : TokenSink
{
    private int _index;

    /// <inheritdoc/>
    public override void Add(string token) => next.Add(rewrite(token, _index++));

    /// <inheritdoc/>
    public override void Finish() => next.Finish();
}
