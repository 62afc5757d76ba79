namespace Vernier.Numerics;

/// <summary>The threads that work together.</summary>
public sealed class Workers : IDisposable
{
    /// <summary>Makes a team.</summary>
    /// <param name="threads">How many threads work at once; 0 for the number of processors.</param>
    public Workers(int threads = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        Threads = threads == 0 ? Environment.ProcessorCount : threads;
    }

    /// <summary>The team of those who have none of their own.</summary>
    public static Workers Shared { get; } = new();

    /// <summary>How many threads work at once.</summary>
    public int Threads { get; }

    /// <summary>Runs a body for 0 .. count - 1, in any order, and waits for all.</summary>
    public void For(int count, Action<int> body) => ParallelLoop.For(count, body);

    internal void Run<T>(int count, ref T work)
        where T : struct, ITeamWork => WorkerTeam.Run(count, ref work);

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
