namespace Vernier.Quantization.Pipeline;

/// <summary>Where a run is when a test kills it.</summary>
internal enum FaultPoint
{
    /// <summary>A matrix is solved; nothing of it is written.</summary>
    BeforeArrays,

    /// <summary>The arrays of a matrix are written; the journal does not know of them.</summary>
    BeforeEntry,

    /// <summary>The journal has an entry of a matrix.</summary>
    AfterEntry,

    /// <summary>All of the result is written and read back; it has not got its name.</summary>
    BeforeName,

    /// <summary>The result has its name; what the run has left beside it has not been removed.</summary>
    AfterName,
}
