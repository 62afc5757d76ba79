namespace Vernier.Errors;

/// <summary>A run needs more memory than it may take. Thrown before any work.</summary>
public sealed class MemoryCeilingException : VernierException
{
    /// <summary>Creates the error.</summary>
    /// <param name="model">The path of the model.</param>
    /// <param name="neededBytes">The least memory the run is possible with.</param>
    /// <param name="ceilingBytes">The memory that it may take.</param>
    /// <param name="tensor">The tensor that needs most of it.</param>
    public MemoryCeilingException(string model, long neededBytes, long ceilingBytes, string tensor)
        : base(
            model,
            "memory-too-small",
            $"the run needs {Megabytes(neededBytes)} MB of memory, most of it for this tensor, and may take {Megabytes(ceilingBytes)} MB",
            $"Allow it at least {Megabytes(neededBytes)} MB, or take a recipe that needs no data",
            tensor,
            null) => (NeededBytes, CeilingBytes) = (neededBytes, ceilingBytes);

    /// <summary>The least memory the run is possible with, in bytes.</summary>
    public long NeededBytes { get; }

    /// <summary>The memory that the run may take, in bytes.</summary>
    public long CeilingBytes { get; }

    private static long Megabytes(long bytes) => (bytes + 999_999) / 1_000_000;
}
