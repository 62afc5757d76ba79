using BenchmarkDotNet.Attributes;
using Vernier.Numerics;

namespace Vernier.Bench.Micro;

/// <summary>Dense products in single precision on one thread.</summary>
public class ProductBenchmarks
{
    private readonly Workers _workers = new(1);
    private float[] _left = [], _right = [], _result = [];

    /// <summary>The size of the square matrices.</summary>
    [Params(256, 1024)]
    public int Size { get; set; }

    /// <summary>Makes matrices.</summary>
    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        (_left, _right, _result) = (new float[Size * Size], new float[Size * Size], new float[Size * Size]);
        for (int i = 0; i < _left.Length; i++)
            (_left[i], _right[i]) = (random.NextSingle() - 0.5f, random.NextSingle() - 0.5f);
    }

    /// <summary>C = A B^T.</summary>
    [Benchmark]
    public void MultiplyTransposed() => MatrixProduct.MultiplyTransposed(_left, _right, _result, Size, Size, Size, _workers);
}
