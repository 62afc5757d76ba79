using System.Text;

namespace Vernier.Files.Tokenizers.Decoders;

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
