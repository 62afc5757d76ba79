namespace Vernier.Inference.Parts;

/// <summary>A norm of one row, such as stands before each part of a block. Safe for concurrent use.</summary>
public interface INorm
{
    /// <summary>y = norm(x). y may be x.</summary>
    /// <param name="x">The row.</param>
    /// <param name="y">Receives as many numbers.</param>
    void Apply(ReadOnlySpan<float> x, Span<float> y);
}
