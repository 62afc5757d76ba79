namespace Vernier.Numerics;

/// <summary>What the threads of a <see cref="WorkerCrew"/> are given: an object of the heap, made once for each kind of work and used
/// again.</summary>
internal abstract class WorkerJob
{
    private static int s_kinds;

    /// <summary>Does one item.</summary>
    public abstract void Invoke(int index);

    /// <summary>A number for a kind of work, from 0.</summary>
    protected static int NextNumber() => Interlocked.Increment(ref s_kinds) - 1;
}

/// <summary>A copy of the work.</summary>
/// <typeparam name="T">The work.</typeparam>
internal sealed class WorkerJob<T> : WorkerJob
    where T : struct, ITeamWork
{
    /// <summary>The work; its default between calls.</summary>
    public T Work;

    /// <summary>The number of this kind of work.</summary>
    public static int Number { get; } = NextNumber();

    /// <inheritdoc/>
    public override void Invoke(int index) => Work.Invoke(index);
}
