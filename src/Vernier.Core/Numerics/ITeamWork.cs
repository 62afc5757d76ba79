namespace Vernier.Numerics;

/// <summary>What the threads of a <see cref="Workers"/> do together: items 0 .. count - 1, in any order.</summary>
internal interface ITeamWork
{
    /// <summary>Does one item. It writes nothing that another item reads or writes, and does not change the struct itself, of which the
    /// threads share a copy.</summary>
    void Invoke(int index);
}
