using BenchmarkDotNet.Attributes;
using Vernier.Grids;
using Vernier.Grids.Power;
using Vernier.Grids.Uniform;
using Vernier.Levels;

namespace Vernier.Bench.Micro;

/// <summary>Rounding on one thread: 1024 groups of 64 weights, with the largest weight as scale, and with a search for it.</summary>
public class GridBenchmarks
{
    private const int Groups = 1024, Width = 64;

    private readonly float[] _weights = new float[Groups * Width];
    private readonly byte[] _codes = new byte[Groups * Width];
    private LevelTable[] _tables = [];

    /// <summary>Bits of a code.</summary>
    [Params(2, 3, 4, 5, 8)]
    public int Bits { get; set; }

    /// <summary>Power grids that each group chooses from; 0 is a uniform grid.</summary>
    [Params(0, 1, 8)]
    public int Tables { get; set; }

    /// <summary>Makes weights of a normal distribution.</summary>
    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        for (int i = 0; i < _weights.Length; i++)
            _weights[i] = (float)(0.1 * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        _tables = Tables == 0 ? [UniformGrid.Create(Bits, LevelLayout.Full)]
            : [.. Enumerable.Range(0, Tables).Select(table => PowerGrid.Create(Bits, LevelLayout.Offset, 0.5 + 0.05 * table, 0.25))];
    }

    /// <summary>Largest weight to largest level.</summary>
    [Benchmark]
    public void Largest() => Fit(new LargestScale());

    /// <summary>The scale of least squared error.</summary>
    [Benchmark]
    public void Search() => Fit(new ScaleSearch());

    private void Fit(IScaleFit fit)
    {
        for (int group = 0; group < Groups; group++)
            fit.Fit(_weights.AsSpan(group * Width, Width), default, _tables, _codes.AsSpan(group * Width, Width));
    }
}
