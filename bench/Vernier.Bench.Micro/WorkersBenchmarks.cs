using BenchmarkDotNet.Attributes;
using Vernier.Numerics;

namespace Vernier.Bench.Micro;

/// <summary>A fork and join, of items that do next to nothing and of items of some microseconds.</summary>
[MemoryDiagnoser]
public class WorkersBenchmarks
{
    private readonly float[] _values = new float[1 << 16];
    private Workers _workers = Workers.Shared;

    /// <summary>The items of a call.</summary>
    [Params(2, 32)]
    public int Items { get; set; }

    /// <summary>The numbers that an item adds up.</summary>
    [Params(16, 4096)]
    public int Numbers { get; set; }

    /// <summary>Makes two threads.</summary>
    [GlobalSetup]
    public void Setup() => _workers = new Workers(2);

    /// <summary>Ends them.</summary>
    [GlobalCleanup]
    public void Cleanup() => _workers.Dispose();

    /// <summary>The items one after the other.</summary>
    [Benchmark(Baseline = true)]
    public void Alone()
    {
        var work = new Sums { Values = _values, Numbers = Numbers };
        for (int i = 0; i < Items; i++)
            work.Invoke(i);
    }

    /// <summary>The items by the fork and join.</summary>
    [Benchmark]
    public void Run()
    {
        var work = new Sums { Values = _values, Numbers = Numbers };
        _workers.Run(Items, ref work);
    }

    /// <summary>The items by the loop for long ones.</summary>
    [Benchmark]
    public void For() => _workers.For(Items, i => new Sums { Values = _values, Numbers = Numbers }.Invoke(i));

    /// <summary>The items by the loop of the library.</summary>
    [Benchmark]
    public void ParallelFor() => Parallel.For(0, Items, i => new Sums { Values = _values, Numbers = Numbers }.Invoke(i));

    private struct Sums : ITeamWork
    {
        public float[] Values;
        public int Numbers;

        public readonly void Invoke(int index)
        {
            Span<float> own = Values.AsSpan(index * 2048 % (Values.Length / 2), Numbers);
            float sum = 0;
            foreach (float value in own)
                sum += value;
            own[0] = sum * 0;
        }
    }
}
