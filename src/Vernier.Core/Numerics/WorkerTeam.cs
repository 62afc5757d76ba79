namespace Vernier.Numerics;

/// <summary>What the threads of a <see cref="WorkerTeam"/> do together: items 0 .. count - 1, in any order.</summary>
internal interface ITeamWork
{
    /// <summary>Does one item. It writes nothing that another item reads or writes.</summary>
    void Invoke(int index);
}

/// <summary>
/// A fork and join of a few microseconds for work that comes in quick succession, such as the layers of one token: the threads wait for the
/// next call in a short loop before they sleep, so that an idle process uses no processor time. A call allocates nothing.
/// </summary>
/// <remarks>
/// One call runs at a time; a call from another thread, or from within an item, does its work alone. The number of threads is that of
/// <see cref="ParallelLoop.MaxThreads"/>, the caller included.
/// </remarks>
internal static unsafe class WorkerTeam
{
    /// <summary>How long a thread looks for the next call before it sleeps: longer than the work between two layers.</summary>
    private static readonly long s_patience = System.Diagnostics.Stopwatch.Frequency / 5000;

    private static readonly List<Worker> s_workers = [];
    private static int s_busy;

    // The call in progress. Written before the ticket of a worker, and left alone until all workers have answered.
    private static void* s_work;
    private static delegate*<void*, int, void> s_invoke;
    private static int s_count, s_next, s_pending;
    private static Exception? s_failure;

    /// <summary>Runs all items and waits for them.</summary>
    /// <typeparam name="T">The work; it must not hold references to managed objects on the stack alone.</typeparam>
    /// <param name="count">The number of items.</param>
    /// <param name="work">The work. It stays where it is until the call returns.</param>
    /// <exception cref="AggregateException">An item threw.</exception>
    public static void Run<T>(int count, ref T work)
        where T : struct, ITeamWork
    {
        int helpers = Math.Min(ParallelLoop.MaxThreads, count) - 1;
        if (helpers <= 0 || Interlocked.CompareExchange(ref s_busy, 1, 0) != 0)
        {
            for (int i = 0; i < count; i++)
                work.Invoke(i);
            return;
        }
        try
        {
            while (s_workers.Count < helpers)
                s_workers.Add(new Worker());
            fixed (byte* pointer = &System.Runtime.CompilerServices.Unsafe.As<T, byte>(ref work))
            {
                s_work = pointer;
                s_invoke = &Invoke<T>;
                s_count = count;
                s_next = 0;
                s_failure = null;
                Volatile.Write(ref s_pending, helpers);
                for (int i = 0; i < helpers; i++)
                    s_workers[i].Begin();
                TakeItems();
                for (var spin = default(SpinWait); Volatile.Read(ref s_pending) > 0;)
                {
                    // Items are short. Only where there are fewer processors than threads is it worth giving way.
                    if (spin.Count > 1000)
                        spin.SpinOnce();
                    else
                        spin.SpinOnce(sleep1Threshold: -1);
                }
            }
            if (s_failure is Exception failure)
                throw new AggregateException(failure);
        }
        finally
        {
            Volatile.Write(ref s_busy, 0);
        }
    }

    /// <summary>Runs a body for 0 .. count - 1, in any order, and waits for all.</summary>
    /// <exception cref="AggregateException">An item threw.</exception>
    public static void For(int count, Action<int> body)
    {
        var work = new BodyWork { Body = body };
        Run(count, ref work);
    }

    private struct BodyWork : ITeamWork
    {
        public Action<int> Body;

        public readonly void Invoke(int index) => Body(index);
    }

    private static void Invoke<T>(void* work, int index)
        where T : struct, ITeamWork => System.Runtime.CompilerServices.Unsafe.AsRef<T>(work).Invoke(index);

    private static void TakeItems()
    {
        try
        {
            for (int index = Interlocked.Increment(ref s_next) - 1; index < s_count; index = Interlocked.Increment(ref s_next) - 1)
                s_invoke(s_work, index);
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref s_failure, e, null);
            Volatile.Write(ref s_next, int.MaxValue / 2);
        }
    }

    /// <summary>A thread that takes part when its ticket changes.</summary>
    private sealed class Worker
    {
        private readonly object _gate = new();
        private int _ticket, _asleep;
        private bool _awake;

        public Worker() => new Thread(Loop) { IsBackground = true, Name = "Vernier worker" }.Start();

        public void Begin()
        {
            Interlocked.Increment(ref _ticket);
            if (Interlocked.Exchange(ref _asleep, 0) == 1)
            {
                lock (_gate)
                {
                    _awake = true;
                    Monitor.Pulse(_gate);
                }
            }
        }

        private void Loop()
        {
            for (int seen = 0; ;)
            {
                Await(seen);
                seen++;
                TakeItems();
                Interlocked.Decrement(ref s_pending);
            }
        }

        private void Await(int seen)
        {
            for (long start = System.Diagnostics.Stopwatch.GetTimestamp(); System.Diagnostics.Stopwatch.GetTimestamp() - start < s_patience;)
            {
                for (int i = 0; i < 32; i++)
                {
                    if (Volatile.Read(ref _ticket) != seen)
                        return;
                    Thread.SpinWait(1);
                }
            }
            // Announce the sleep, then look once more: either this sees the new ticket, or Begin sees the announcement.
            Interlocked.Exchange(ref _asleep, 1);
            if (Volatile.Read(ref _ticket) != seen && Interlocked.Exchange(ref _asleep, 0) == 1)
                return;
            lock (_gate)
            {
                while (!_awake)
                    Monitor.Wait(_gate);
                _awake = false;
            }
        }
    }
}
