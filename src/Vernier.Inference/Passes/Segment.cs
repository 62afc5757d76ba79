namespace Vernier.Inference.Passes;

/// <summary>A run of new tokens of one sequence.</summary>
/// <param name="Tokens">The new tokens, at least one.</param>
/// <param name="State">
/// What the sequence has behind it; the new tokens follow and are added to it. Null for tokens that stand alone, from
/// position 0, and of which nothing is kept.
/// </param>
public readonly record struct Segment(ReadOnlyMemory<int> Tokens, SequenceState? State = null);
