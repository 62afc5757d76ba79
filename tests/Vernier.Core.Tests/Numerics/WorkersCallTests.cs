using Vernier.Numerics;

namespace Vernier.Tests;

/// <summary>Calls of every size on 1 to 8 threads: within each other, with faults, and beside other objects.</summary>
public class WorkersCallTests
{
    private static readonly TimeSpan s_long = TimeSpan.FromSeconds(60);

    public static TheoryData<int> Threads => [.. Enumerable.Range(1, 8)];

    // A run is 1 to 64 items: the counts lie around its ends.
    [Theory]
    [MemberData(nameof(Threads))]
    public void EveryCountIsDoneOnce(int threads)
    {
        using var workers = new Workers(threads);
        int[] counts = [0, 1, 2, 3, threads, threads + 1, 16 * threads - 1, 32 * threads + 1, 1023, 1024 * threads + 7, -1, -100];
        foreach (int count in counts)
        {
            var done = new int[Math.Max(0, count)];
            workers.For(count, i => Interlocked.Increment(ref done[i]));
            Assert.All(done, times => Assert.Equal(1, times));
            var work = new Adding { Done = done };
            workers.Run(count, ref work);
            Assert.All(done, times => Assert.Equal(8, times));
        }
    }

    [Theory]
    [MemberData(nameof(Threads))]
    public void CallsNestThreeDeep(int threads)
    {
        using var workers = new Workers(threads);
        long sum = 0;
        workers.For(7, i => workers.For(5, j =>
        {
            var work = new Adding { Done = new int[3] };
            workers.Run(3, ref work);
            Interlocked.Add(ref sum, (100 * i + j) * work.Done.Sum());
        }));
        Assert.Equal(21L * (100 * 5 * 21 + 7 * 10), sum);
    }

    [Theory]
    [MemberData(nameof(Threads))]
    public void OneFaultOfSeveralComesOutAndTheNextCallIsWhole(int threads)
    {
        using var workers = new Workers(threads);
        for (int round = 0; round < 20; round++)
        {
            int done = 0;
            Exception error = Assert.ThrowsAny<Exception>(() => workers.For(10_000, i =>
            {
                if (i % 100 == 99)
                    throw i % 200 == 99 ? new FormatException($"{i}") : new TimeoutException($"{i}");
                Interlocked.Increment(ref done);
            }));
            Assert.True(error is FormatException or TimeoutException);
            Assert.Equal(99, int.Parse(error.Message) % 100);
            // Whoever has failed stops, and no thread begins another run after that: most items are left out.
            Assert.InRange(done, 99, 99 * threads + 64 * threads);
            var all = new int[333];
            workers.For(all.Length, i => all[i] = i + 1);
            Assert.Equal(333 * 334 / 2, all.Sum());
        }
    }

    [Fact]
    public void AFaultWithinAnInnerCallEndsTheOuterOne()
    {
        using var workers = new Workers(3);
        int inner = 0;
        NotSupportedException error = Assert.Throws<NotSupportedException>(() => workers.For(6, i => workers.For(4, j =>
        {
            Interlocked.Increment(ref inner);
            if (j == 2)
                throw new NotSupportedException("inner");
        })));
        Assert.Equal("inner", error.Message);
        // An inner call works alone, in order: three items, and only of outer items that were begun.
        Assert.Equal(0, inner % 3);
        Assert.InRange(inner, 3, 18);
    }

    [Fact]
    public void ACallFromAnotherObjectWithinAnItemHasThatObjectsThreads()
    {
        using Workers outer = new(2), inner = new(4);
        using var all = new Barrier(4);
        int met = 0, first = 0;
        outer.For(2, i =>
        {
            if (Interlocked.Exchange(ref first, 1) != 0)
                return;
            inner.For(4, j =>
            {
                Assert.True(all.SignalAndWait(s_long));
                Interlocked.Increment(ref met);
            });
        });
        Assert.Equal(4, met);
    }

    [Fact]
    public void DisposalByAnotherThreadLetsTheCallInProgressEnd()
    {
        for (int round = 0; round < 10; round++)
        {
            var workers = new Workers(3);
            using var begun = new ManualResetEventSlim();
            using var disposed = new ManualResetEventSlim();
            int done = 0;
            var caller = new Thread(() => workers.For(300, i =>
            {
                begun.Set();
                Assert.True(disposed.Wait(s_long));
                Interlocked.Increment(ref done);
            }));
            caller.Start();
            Assert.True(begun.Wait(s_long));
            workers.Dispose();
            Refusal.Of<ObjectDisposedException>("Vernier.Numerics.Workers", () => workers.For(2, _ => { }));
            var work = new Adding { Done = new int[2] };
            Refusal.Of<ObjectDisposedException>("Vernier.Numerics.Workers", () => workers.Run(2, ref work));
            disposed.Set();
            Assert.True(caller.Join(s_long));
            Assert.Equal(300, done);
            Assert.Equal([0, 0], work.Done);
        }
    }

    [Fact]
    public void AThreadAfterAnotherMayCall()
    {
        using var workers = new Workers(4);
        var ids = new HashSet<int>();
        for (int i = 0; i < 20; i++)
        {
            long sum = 0;
            var caller = new Thread(() => workers.For(1000, x => Interlocked.Add(ref sum, x)));
            caller.Start();
            Assert.True(caller.Join(s_long));
            Assert.Equal(499_500, sum);
            ids.Add(caller.ManagedThreadId);
        }
        Assert.NotEmpty(ids);
        Refusal.Of<ArgumentNullException>("body", () => workers.For(1, null!));
    }

    [Fact]
    public void AnObjectOfOneThreadWorksOnTheCallersAlone()
    {
        using var workers = new Workers(1);
        int own = Environment.CurrentManagedThreadId;
        var order = new List<int>();
        workers.For(500, i =>
        {
            Assert.Equal(own, Environment.CurrentManagedThreadId);
            order.Add(i);
        });
        Assert.Equal(Enumerable.Range(0, 500), order);
    }

    private struct Adding : ITeamWork
    {
        public int[] Done;

        public readonly void Invoke(int index) => Done[index] += 7;
    }
}
