namespace Vernier.Numerics;

/// <summary>
/// Lets several threads share phases of tasks, each phase beginning when the one before is complete. Threads claim tasks one by
/// one, so a slow thread takes fewer, and every claimed task is being run by a live thread: a thread that waits for the end of a
/// phase can't wait forever, even if it is the only one that ever came. Tasks must not throw.
/// </summary>
internal sealed class PhaseCounter(int phases)
{
    private readonly int[] _claimed = new int[phases], _done = new int[phases];

    /// <summary>Claims the next task of 0 .. count - 1; false when all are taken.</summary>
    public bool TryClaim(int phase, int count, out int index)
    {
        index = Volatile.Read(ref _claimed[phase]) >= count ? count : Interlocked.Increment(ref _claimed[phase]) - 1;
        return index < count;
    }

    /// <summary>Says that a claimed task has been done.</summary>
    public void Complete(int phase) => Interlocked.Increment(ref _done[phase]);

    /// <summary>Returns when <paramref name="count"/> tasks have been done.</summary>
    public void Wait(int phase, int count)
    {
        var spin = new SpinWait();
        while (Volatile.Read(ref _done[phase]) < count)
            spin.SpinOnce(sleep1Threshold: -1);
    }
}
