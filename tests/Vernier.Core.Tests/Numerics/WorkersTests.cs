using System.Runtime.CompilerServices;
using Vernier.Numerics;

namespace Vernier.Tests;

public class WorkersTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(2, 7)]
    [InlineData(3, 5000)]
    [InlineData(8, 100)]
    public void EveryItemIsDoneOnceInBothWays(int threads, int count)
    {
        using var workers = new Workers(threads);
        Assert.Equal(threads, workers.Threads);
        for (int round = 0; round < 50; round++)
        {
            var done = new int[count];
            workers.For(count, i => done[i]++);
            var work = new Count { Done = done };
            workers.Run(count, ref work);
            Assert.All(done, times => Assert.Equal(2, times));
        }
    }

    [Fact]
    public void NoItemsAreNoWork()
    {
        using var workers = new Workers(3);
        workers.For(0, _ => Assert.Fail("there is no item"));
        var work = default(Failing);
        workers.Run(0, ref work);
    }

    [Fact]
    public void TheNumberOfThreadsIsThatOfTheProcessorsWhereNoneIsGiven()
    {
        using var workers = new Workers();
        Assert.Equal(Environment.ProcessorCount, workers.Threads);
        Refusal.Of<ArgumentOutOfRangeException>("threads", () => new Workers(-1));
    }

    // Each item waits for all others: it ends only where there are as many threads as were asked for.
    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public void AsManyThreadsWorkAsWereAskedFor(int threads)
    {
        using var workers = new Workers(threads);
        using var all = new Barrier(threads);
        var ids = new int[threads];
        workers.For(threads, i =>
        {
            Assert.True(all.SignalAndWait(TimeSpan.FromSeconds(60)));
            ids[i] = Environment.CurrentManagedThreadId;
        });
        Assert.Equal(threads, ids.Distinct().Count());
    }

    // Both would wait for ever if one waited for a thread of the other, or if one call waited for another.
    [Fact]
    public void TwoObjectsWorkAtTheSameTimeAndACallWithinAnItemWorksAlone()
    {
        using Workers one = new(2), other = new(2);
        using var all = new Barrier(4);
        var inner = new int[2];
        void Meet(Workers workers, int at) => workers.For(2, i =>
        {
            Assert.True(all.SignalAndWait(TimeSpan.FromSeconds(60)));
            int own = Environment.CurrentManagedThreadId;
            workers.For(100, _ => Assert.Equal(own, Environment.CurrentManagedThreadId));
            Interlocked.Add(ref inner[at], 100);
        });
        var second = new Thread(() => Meet(other, 1));
        second.Start();
        Meet(one, 0);
        second.Join();
        Assert.Equal([200, 200], inner);
    }

    [Fact]
    public void ManyCallersOfOneObjectGetTheirOwnResults()
    {
        using var workers = new Workers(3);
        Thread[] callers = [.. Enumerable.Range(0, 4).Select(caller => new Thread(() =>
        {
            for (int round = 0; round < 500; round++)
            {
                var sums = new long[20];
                workers.For(sums.Length, i => sums[i] = (long)caller * round * i);
                for (int i = 0; i < sums.Length; i++)
                    Assert.Equal((long)caller * round * i, sums[i]);
            }
        }))];
        Array.ForEach(callers, caller => caller.Start());
        Array.ForEach(callers, caller => caller.Join());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void WhatAnItemThrowsComesToTheCallerAsItIs(int threads)
    {
        using var workers = new Workers(threads);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => workers.For(100, i =>
        {
            if (i == 17)
                throw new InvalidDataException("the seventeenth");
        }));
        Assert.Equal("the seventeenth", error.Message);
        var work = default(Failing);
        Refusal.Of<InvalidOperationException>("no item can be done", () => workers.Run(10, ref work));
        // It goes on working afterwards.
        int sum = 0;
        workers.For(10, i => Interlocked.Add(ref sum, i));
        Assert.Equal(45, sum);
    }

    [Fact]
    public void ACallAllocatesNothingAfterTheFirst()
    {
        using var workers = new Workers(2);
        var work = new Count { Done = new int[64] };
        for (int i = 0; i < 100; i++)
            workers.Run(64, ref work);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
            workers.Run(64, ref work);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    // What the work refers to is moved by the collector while the threads read it.
    [Fact]
    public void WorkIsHandedOverByReferencesThatTheCollectorKnows()
    {
        using var workers = new Workers(3);
        using var stop = new CancellationTokenSource();
        var collector = new Thread(() =>
        {
            // A pause, in which the others come to run.
            for (; !stop.IsCancellationRequested; Thread.Sleep(1))
                GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        });
        collector.Start();
        try
        {
            for (int round = 0; round < 300; round++)
            {
                var work = new Sums { Rows = [.. Enumerable.Range(0, 40).Select(row => Enumerable.Range(row, 100).ToArray())],
                    Results = new long[40] };
                workers.Run(40, ref work);
                for (int row = 0; row < 40; row++)
                    Assert.Equal(100L * row + 4950, work.Results[row]);
            }
        }
        finally
        {
            stop.Cancel();
            collector.Join();
        }
    }

    [Fact]
    public void AfterDisposalThereIsNoWork()
    {
        var workers = new Workers(3);
        Thread[] threads = Threads(workers);
        workers.Dispose();
        workers.Dispose();
        Refusal.Of<ObjectDisposedException>("Vernier.Numerics.Workers", () => workers.For(3, _ => { }));
        Assert.All(threads, thread => Assert.True(thread.Join(TimeSpan.FromSeconds(60))));
    }

    [Fact]
    public void AnObjectThatIsDisposedWithinACallEndsItFirst()
    {
        var workers = new Workers(2);
        int done = 0;
        workers.For(50, i =>
        {
            if (i == 0)
                workers.Dispose();
            Interlocked.Increment(ref done);
        });
        Assert.Equal(50, done);
        Refusal.Of<ObjectDisposedException>("Vernier.Numerics.Workers", () => workers.For(1, _ => { }));
    }

    [Fact]
    public void ThreadsOfAForgottenObjectEnd()
    {
        Thread[] threads = Forget();
        for (int i = 0; i < 600 && threads.Any(thread => thread.IsAlive); i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Thread.Sleep(100);
        }
        Assert.DoesNotContain(threads, thread => thread.IsAlive);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static Thread[] Forget() => Threads(new Workers(3));
    }

    // The threads of the object beside the caller's; each item waits for the others, so that all come.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Thread[] Threads(Workers workers)
    {
        var threads = new Thread[workers.Threads];
        using var all = new Barrier(threads.Length);
        workers.For(threads.Length, i =>
        {
            Assert.True(all.SignalAndWait(TimeSpan.FromSeconds(60)));
            threads[i] = Thread.CurrentThread;
        });
        return [.. threads.Where(thread => thread != Thread.CurrentThread)];
    }

    private struct Count : ITeamWork
    {
        public int[] Done;

        public readonly void Invoke(int index) => Done[index]++;
    }

    private struct Failing : ITeamWork
    {
        public readonly void Invoke(int index) => throw new InvalidOperationException("no item can be done");
    }

    private struct Sums : ITeamWork
    {
        public int[][] Rows;
        public long[] Results;

        public readonly void Invoke(int index)
        {
            foreach (int value in Rows[index])
                Results[index] += value;
        }
    }
}
