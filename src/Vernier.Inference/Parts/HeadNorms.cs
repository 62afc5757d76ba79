namespace Vernier.Inference.Parts;

/// <summary>A norm of a row of heads, each with a norm of its own.</summary>
/// <param name="norms">The norm of each head.</param>
/// <param name="headSize">The coordinates of a head.</param>
public sealed class HeadNorms(IReadOnlyList<INorm> norms, int headSize) : INorm
{
    /// <inheritdoc/>
    public void Apply(ReadOnlySpan<float> x, Span<float> y)
    {
        for (int head = 0; head < norms.Count; head++)
            norms[head].Apply(x.Slice(head * headSize, headSize), y.Slice(head * headSize, headSize));
    }
}
