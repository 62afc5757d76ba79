using Vernier.Numerics;

namespace Vernier.Cli.Commands;

/// <summary>The option --threads at work.</summary>
internal static class Threads
{
    /// <summary>Does work with at most so many threads; null for as many as usual.</summary>
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
