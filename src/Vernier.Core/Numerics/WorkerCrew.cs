using System.Diagnostics;

namespace Vernier.Numerics;

/// <summary>
/// The threads of a <see cref="Workers"/>, and the call in progress. A thread looks for the next call in a short loop before it sleeps, so
/// that calls in quick succession
/// wake nobody and an idle process uses no processor time.
/// </summary>
internal sealed class WorkerCrew
{
    /// <summary>How long a thread looks for the next call before it sleeps: longer than the work between two layers.</summary>
    private static readonly long s_patience = Stopwatch.Frequency / 5000;

    /// <summary>How often the caller looks for the end of a call before it sleeps.</summary>
    private const int PatientLooks = 1000, Looks = 50;

    private readonly List<Helper> _helpers = [];
    private readonly object _end = new();

    // The call in progress. Written before the ticket of a thread, and left alone until all threads have answered.
    private WorkerJob? _job;
    private int _count, _next, _pending, _callerSleeps;
    private Exception? _failure;
    private bool _stopped;

    /// <summary>For tests: called after a helper was given its ticket, before it is woken.</summary>
    internal Action? Ticketed { get; set; }

    /// <summary>For tests: the threads that have not answered; 0 between calls.</summary>
    internal int Pending => Volatile.Read(ref _pending);

    /// <summary>Runs all items on the calling thread and helpers. Not from two threads at once.</summary>
    /// <param name="job">The work.</param>
    /// <param name="count">The items.</param>
    /// <param name="helpers">The threads beside the caller.</param>
    /// <param name="patient">Whether the end is near, so that the caller looks for it long before it sleeps.</param>
    /// <returns>What the first item that failed has thrown; else null.</returns>
    public Exception? Run(WorkerJob job, int count, int helpers, bool patient)
    {
        while (_helpers.Count < helpers)
            _helpers.Add(new Helper(this));
        (_job, _count, _next, _failure) = (job, count, 0, null);
        Volatile.Write(ref _pending, helpers);
        for (int i = 0; i < helpers; i++)
            _helpers[i].Begin();
        TakeItems();
        AwaitEnd(patient ? PatientLooks : Looks);
        Exception? failure = _failure;
        (_job, _failure) = (null, null);
        return failure;
    }

    /// <summary>Ends the threads. No call is in progress, and none comes.</summary>
    public void Stop()
    {
        Volatile.Write(ref _stopped, true);
        foreach (Helper helper in _helpers)
            helper.Begin();
    }

    private void TakeItems()
    {
        WorkerJob job = _job!;
        try
        {
            for (int index = Interlocked.Increment(ref _next) - 1; index < _count; index = Interlocked.Increment(ref _next) - 1)
                job.Invoke(index);
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref _failure, e, null);
            Volatile.Write(ref _next, int.MaxValue / 2);
        }
    }

    private void AwaitEnd(int looks)
    {
        for (var spin = default(SpinWait); Volatile.Read(ref _pending) > 0;)
        {
            if (spin.Count < looks)
            {
                spin.SpinOnce(sleep1Threshold: -1);
                continue;
            }
            lock (_end)
            {
                // Announce the sleep, then look once more: either this sees the last answer, or the last thread sees the announcement.
                Interlocked.Exchange(ref _callerSleeps, 1);
                while (Volatile.Read(ref _pending) > 0)
                    Monitor.Wait(_end);
                Volatile.Write(ref _callerSleeps, 0);
            }
        }
    }

    private void Answer()
    {
        if (Interlocked.Decrement(ref _pending) > 0 || Volatile.Read(ref _callerSleeps) == 0)
            return;
        lock (_end)
            Monitor.Pulse(_end);
    }

    /// <summary>A thread that takes part once for each ticket.</summary>
    private sealed class Helper
    {
        private readonly WorkerCrew _crew;
        private readonly object _gate = new();
        private int _ticket, _asleep;

        public Helper(WorkerCrew crew)
        {
            _crew = crew;
            new Thread(Loop) { IsBackground = true, Name = "Vernier worker" }.Start();
        }

        public void Begin()
        {
            Interlocked.Increment(ref _ticket);
            // The thread may have seen the ticket, done the work and gone to sleep again before this goes on.
            _crew.Ticketed?.Invoke();
            if (Volatile.Read(ref _asleep) == 0)
                return;
            lock (_gate)
                Monitor.Pulse(_gate);
        }

        private void Loop()
        {
            for (int seen = 0; ; seen++)
            {
                Await(seen);
                if (Volatile.Read(ref _crew._stopped))
                    return;
                _crew.TakeItems();
                _crew.Answer();
            }
        }

        // Only a new ticket ends it. Being woken does not: that may be on behalf of a ticket that was answered long ago, and an answer too
        // many would end a later call while its work is still being done.
        private void Await(int seen)
        {
            for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetTimestamp() - start < s_patience;)
            {
                for (int i = 0; i < 32; i++)
                {
                    if (Volatile.Read(ref _ticket) != seen)
                        return;
                    Thread.SpinWait(1);
                }
            }
            lock (_gate)
            {
                // Announce the sleep, then look once more: either this sees the new ticket, or Begin sees the announcement.
                Interlocked.Exchange(ref _asleep, 1);
                while (Volatile.Read(ref _ticket) == seen)
                    Monitor.Wait(_gate);
                Volatile.Write(ref _asleep, 0);
            }
        }
    }
}
