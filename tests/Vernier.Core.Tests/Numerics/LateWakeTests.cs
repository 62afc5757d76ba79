using Vernier.Numerics;

namespace Vernier.Tests;

/// <summary>
/// A caller that is put aside between giving a thread its ticket and waking it: meanwhile the thread has seen the ticket, done the work and
/// gone to sleep. It is then woken for nothing. Were that taken for a call, its answer would count for the next one, which would return
/// while the thread still works with what the caller has taken back.
/// </summary>
public class LateWakeTests
{
    private const int Calls = 4_000;

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void AWakeUpThatComesLateCountsForNothing(int threads)
    {
        using var workers = new Workers(threads);
        for (int round = 0; round < 5; round++)
        {
            // Far longer than a thread looks for work before it sleeps.
            workers.Crew.Ticketed = () => Thread.Sleep(50);
            Call(workers);
            workers.Crew.Ticketed = null;
            Thread.Sleep(50);
            Assert.Equal(0, workers.Crew.Pending);
            for (int call = 0; call < Calls / 5; call++)
                Call(workers);
        }
    }

    // Whoever works on when the call is over finds what is not there any more, or counts in what is checked already.
    private static void Call(Workers workers)
    {
        var first = new Counting { Counts = new int[workers.Threads] };
        workers.Run(first.Counts.Length, ref first);
        Assert.All(first.Counts, count => Assert.Equal(1, count));
        var second = new Marking { Marks = new bool[2 * workers.Threads], Counts = first.Counts };
        workers.Run(second.Marks.Length, ref second);
        Assert.All(second.Marks, Assert.True);
        Assert.All(first.Counts, count => Assert.Equal(1, count));
    }

    private struct Counting : ITeamWork
    {
        public int[] Counts;

        public readonly void Invoke(int index) => Interlocked.Increment(ref Counts[index]);
    }

    private struct Marking : ITeamWork
    {
        public bool[] Marks;
        public int[] Counts;

        public readonly void Invoke(int index)
        {
            Assert.Equal(1, Volatile.Read(ref Counts[index / 2]));
            Marks[index] = true;
        }
    }
}
