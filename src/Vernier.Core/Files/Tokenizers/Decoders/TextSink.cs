using System.Text;

namespace Vernier.Files.Tokenizers.Decoders;

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
