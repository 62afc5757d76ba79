namespace Vernier.Numerics;

// Shim: goes once all callers pass workers.

/// <summary>The loop of <see cref="Workers.Shared"/>.</summary>
public static class ParallelLoop
{
    /// <summary>The largest number of threads that work at once; at least 1. Setting it replaces <see cref="Workers.Shared"/>.</summary>
    public static int MaxThreads
    {
        get => Workers.Shared.Threads;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            if (value != Workers.Shared.Threads)
                Workers.Shared = new Workers(value);
        }
    }

    /// <summary>Runs <paramref name="body"/> for 0 .. count - 1, in any order, and waits for all.</summary>
    public static void For(int count, Action<int> body) => Workers.Shared.For(count, body);
}
