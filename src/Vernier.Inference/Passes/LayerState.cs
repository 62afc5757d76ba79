namespace Vernier.Inference.Passes;

/// <summary>What keys and values of attention are kept in.</summary>
public enum CachePrecision
{
    /// <summary>Single precision: attention is exact.</summary>
    Single,

    /// <summary>8 bits with a scale for each position and head: a quarter of the memory.</summary>
    Int8,
}

/// <summary>
/// What one layer keeps of the tokens that a sequence has behind it: the keys and values of attention, or whatever else the layer's
/// mixer needs to go on. Not safe for concurrent use.
/// </summary>
/// <remarks>
/// A pass may be given up halfway: what it has written counts only from <see cref="Commit"/> on, and what was there before must stay.
/// </remarks>
public abstract class LayerState
{
    /// <summary>The bytes that a state of so many tokens takes.</summary>
    /// <param name="tokens">At least 0.</param>
    public abstract long BytesFor(int tokens);

    /// <summary>Allocates what so many tokens need, before a pass adds the last of them.</summary>
    /// <param name="tokens">The tokens behind the sequence after the pass.</param>
    public abstract void Reserve(int tokens);

    /// <summary>Ends a pass: the state is that of so many tokens.</summary>
    /// <param name="tokens">The tokens behind the sequence after the pass.</param>
    public virtual void Commit(int tokens)
    {
    }

    /// <summary>Whether <see cref="Truncate"/> can go back to so many tokens. 0 is always possible.</summary>
    /// <param name="tokens">At most those that are there.</param>
    public abstract bool CanTruncate(int tokens);

    /// <summary>Forgets all tokens but the first; their memory stays for those to come.</summary>
    /// <param name="tokens">How many are kept.</param>
    public abstract void Truncate(int tokens);
}

/// <summary>
/// What the states of a layer look like. Two of equal value make states of the same kind, so that one can serve layer after layer where
/// nothing is kept.
/// </summary>
public abstract record LayerStateShape
{
    /// <summary>Makes an empty state.</summary>
    /// <param name="precision">What attention keeps keys and values in.</param>
    public abstract LayerState Create(CachePrecision precision);
}
