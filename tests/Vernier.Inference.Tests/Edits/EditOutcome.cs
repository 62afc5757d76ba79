namespace Vernier.Tests.Edits;

/// <summary>What became of an edited model.</summary>
internal enum EditOutcome
{
    /// <summary>It was refused by a rule, and the reference can't compute it either.</summary>
    Refused,

    /// <summary>It was refused by a rule, and the reference computes it.</summary>
    RefusedAlone,

    /// <summary>It was taken, what is not understood of it was named, and what was computed is what the reference computes.</summary>
    NamedAndEqual,

    /// <summary>It was taken, and what was computed is what the reference computes.</summary>
    Equal,
}
