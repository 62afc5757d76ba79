using BenchmarkDotNet.Attributes;
using Vernier.Grids;
using Vernier.Grids.Power;
using Vernier.Grids.Uniform;
using Vernier.Kernels;
using Vernier.Levels;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Scalar;

namespace Vernier.Bench.Micro;

/// <summary>Every packed kernel that this machine runs, on one thread: a token, and a prompt, times a matrix of 2048 x 2048.</summary>
public class PackedBenchmarks
{
    private const int Size = 2048;

    private readonly float[] _x = new float[Size * PromptTokens], _y = new float[Size * PromptTokens];
    private readonly Workers _workers = new(1);
    private PreparedWeight? _weight;

    /// <summary>The tokens of the prompt.</summary>
    public const int PromptTokens = 252;

    /// <summary>The kernels to compare.</summary>
    public static IEnumerable<string> Kernels => KernelRegistry.All.Where(kernel => kernel.IsSupported).Select(kernel => kernel.Name);

    /// <summary>The kernel.</summary>
    [ParamsSource(nameof(Kernels))]
    public string Kernel { get; set; } = "";

    /// <summary>Bits of a code.</summary>
    [Params(2, 3, 4, 8)]
    public int Bits { get; set; }

    /// <summary>Level tables that each group of 32 chooses from; 0 is a uniform grid.</summary>
    [Params(0, 1, 8)]
    public int Tables { get; set; }

    /// <summary>Makes the matrix; of 8 bits and several tables there is none.</summary>
    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        int tables = Bits == 8 ? Math.Min(Tables, 1) : Tables;
        var spec = new ScalarLayout(Size, Size, Bits, new Granularity(32), Size, Math.Max(1, tables), tables == 1 && Bits == 8, false);
        LevelTable[] grids = [.. Enumerable.Range(0, spec.Tables).Select(table => tables == 0
            ? UniformGrid.Create(Bits, LevelLayout.Full) : PowerGrid.Create(Bits, LevelLayout.Symmetric, 0.5 + 0.05 * table))];
        var codes = new byte[(long)Size * spec.BytesPerRow];
        random.NextBytes(codes);
        Half[] scales = [.. Enumerable.Range(0, spec.Scales).Select(_ => (Half)(0.01 + 0.01 * random.NextDouble()))];
        _weight = PreparedWeight.Create(new ScalarMatrix(spec, grids, scales, [], codes), KernelRegistry.Choose(Kernel), _workers);
        for (int i = 0; i < _x.Length; i++)
            _x[i] = (float)(random.NextDouble() - 0.5);
    }

    /// <summary>One token.</summary>
    [Benchmark]
    public void Token() => _weight!.Multiply(_x, 1, _y, _workers);

    /// <summary>Many tokens.</summary>
    [Benchmark]
    public void Prompt() => _weight!.Multiply(_x, PromptTokens, _y, _workers);
}
