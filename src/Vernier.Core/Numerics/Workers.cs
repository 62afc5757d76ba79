using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace Vernier.Numerics;

/// <summary>
/// The threads that work together on what one caller asks for, with two ways of scheduling: <see cref="For"/> for long items, and a fork
/// and join of a few microseconds
/// for work that comes in quick succession, such as the layers of one token. No result depends on their number.
/// </summary>
/// <remarks>
/// One call runs at a time; a call from another thread, or from within an item, does its work alone. Two objects share nothing, so that two
/// models in one process do not
/// wait for each other. Threads are made when they are first needed and sleep while there is nothing to do. <see cref="Dispose"/> ends
/// them; so does the collector
/// where an object is forgotten. Work is handed over as an object of the heap, never as an address on the stack of the caller.
/// </remarks>
public sealed class Workers : IDisposable
{
    private const int MostRun = 64, RunsPerThread = 16;

    private readonly WorkerCrew _crew = new();

    // The objects that calls are handed over in, by the number of the kind of work; used by the call in progress alone.
    private WorkerJob?[] _jobs = new WorkerJob?[16];
    private int _busy;
    private bool _disposed;

    /// <summary>Makes the object. No thread runs yet.</summary>
    /// <param name="threads">The threads that work at once, the caller included; 0 for as many as there are processors.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is below 0.</exception>
    public Workers(int threads = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        Threads = threads == 0 ? Environment.ProcessorCount : threads;
    }

#pragma warning disable MA0055 // Threads are a resource that the collector does not see.
    /// <summary>Ends the threads of an object that was forgotten: they hold on to the crew, not to this object.</summary>
    ~Workers() => _crew.Stop();
#pragma warning restore MA0055

    /// <summary>The workers of those who pass none: all processors. They are never disposed.</summary>
    public static Workers Shared { get; } = new();

    /// <summary>The threads that work at once, the caller included.</summary>
    public int Threads { get; }

    /// <summary>The threads.</summary>
    internal WorkerCrew Crew => _crew;

    /// <summary>Runs a body for 0 .. count - 1, in any order, and waits for all.</summary>
    /// <param name="count">The number of items.</param>
    /// <param name="body">Does one item.</param>
    /// <exception cref="Exception">What the first item that failed has thrown; items that were not begun are left out.</exception>
    /// <exception cref="ObjectDisposedException">The object was disposed.</exception>
    public void For(int count, Action<int> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        // Neighbours go together, where there are many: they write to neighbouring places.
        int run = Math.Clamp(count / (Threads * RunsPerThread), 1, MostRun);
        var work = new BodyWork { Body = body, Count = count, Run = run };
        Run((count + run - 1) / run, ref work, patient: false);
    }

    /// <summary>Ends the threads. A call in progress comes to its end.</summary>
    public void Dispose()
    {
        Volatile.Write(ref _disposed, true);
        StopIfIdle();
        GC.SuppressFinalize(this);
    }

    /// <summary>Runs all items and waits for them, looking for the end all the time: for items of microseconds. Allocates nothing once it
    /// has run work of the kind.</summary>
    /// <typeparam name="T">The work. The threads share a copy of it.</typeparam>
    /// <param name="count">The number of items.</param>
    /// <param name="work">The work.</param>
    /// <exception cref="Exception">What the first item that failed has thrown; items that were not begun are left out.</exception>
    /// <exception cref="ObjectDisposedException">The object was disposed.</exception>
    internal void Run<T>(int count, ref T work)
        where T : struct, ITeamWork => Run(count, ref work, patient: true);

    private void Run<T>(int count, ref T work, bool patient)
        where T : struct, ITeamWork
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed), this);
        int helpers = Math.Min(Threads, count) - 1;
        if (helpers <= 0 || Interlocked.CompareExchange(ref _busy, 1, 0) != 0)
        {
            for (int i = 0; i < count; i++)
                work.Invoke(i);
            return;
        }
        Exception? failure;
        try
        {
            WorkerJob<T> job = JobOf<T>();
            job.Work = work;
            failure = _crew.Run(job, count, helpers, patient);
            // Nothing that the work refers to is kept alive.
            job.Work = default;
        }
        finally
        {
            Volatile.Write(ref _busy, 0);
            if (Volatile.Read(ref _disposed))
                StopIfIdle();
        }
        if (failure is not null)
            ExceptionDispatchInfo.Throw(failure);
    }

    private WorkerJob<T> JobOf<T>()
        where T : struct, ITeamWork
    {
        int number = WorkerJob<T>.Number;
        if (number >= _jobs.Length)
            Array.Resize(ref _jobs, 2 * number);
        return Unsafe.As<WorkerJob<T>>(_jobs[number] ??= new WorkerJob<T>());
    }

    // Whoever takes the place of the call in progress ends the threads, and keeps it.
    private void StopIfIdle()
    {
        if (Interlocked.CompareExchange(ref _busy, 1, 0) == 0)
            _crew.Stop();
    }

    private struct BodyWork : ITeamWork
    {
        public Action<int> Body;
        public int Count, Run;

        public readonly void Invoke(int index)
        {
            int end = (int)Math.Min(Count, (index + 1L) * Run);
            for (int i = index * Run; i < end; i++)
                Body(i);
        }
    }
}
