namespace Vernier.Inference;

/// <summary>A run of new tokens of one sequence.</summary>
/// <param name="Tokens">The new tokens, at least one.</param>
/// <param name="Cache">
/// What the sequence has behind it; the new tokens follow and are added to it. Null for tokens that stand alone, from
/// position 0, and of which nothing is kept.
/// </param>
public readonly record struct Segment(ReadOnlyMemory<int> Tokens, KvCache? Cache = null);

/// <summary>For which rows a forward pass gives logits.</summary>
public enum LogitRows
{
    /// <summary>Every token of every segment, in order.</summary>
    All,

    /// <summary>The last token of each segment.</summary>
    Last,
}
