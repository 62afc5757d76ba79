using Vernier.Numerics;

namespace Vernier.Cli.Commands;

/// <summary>The option --threads at work.</summary>
internal static class Threads
{
    /// <summary>The threads that work; null for as many as there are processors.</summary>
    public static Workers Of(int? threads) => new(threads ?? 0);

    /// <summary>Does work with at most so many threads; null for as many as usual.</summary>
    // Shim: goes once quantizing and evaluating take workers.
    public static T With<T>(int? threads, Func<T> work)
    {
        int usual = ParallelLoop.MaxThreads;
        ParallelLoop.MaxThreads = threads ?? usual;
        try
        {
            return work();
        }
        finally
        {
            ParallelLoop.MaxThreads = usual;
        }
    }
}
