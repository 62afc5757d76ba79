using Vernier.Kernels;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Scalar;

namespace Vernier.Tests;

/// <summary>Every kernel of the registry against the plain definition, bit for bit.</summary>
[UsesInstructions]
public class IntegerKernelTests
{
    public static TheoryData<string> Kernels => [.. KernelRegistry.All.Where(kernel => kernel.IsSupported).Select(kernel => kernel.Name)];

    [Theory]
    [MemberData(nameof(Kernels))]
    public void EveryNumberOfColumns(string name)
    {
        var random = new Random(1);
        int[] widths = [.. Enumerable.Range(1, 70), .. Enumerable.Range(120, 20), 255, 256, 257];
        for (int bits = 2; bits <= 8; bits++)
        {
            foreach (int columns in widths)
                Check(name, random, RandomPacked.Create(random, 17, columns, bits, Granularity.Group(32), "random"), 1, 2);
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void EveryGranularity(string name)
    {
        var random = new Random(2);
        Granularity[] all = [Granularity.Tensor, Granularity.Channel,
            .. Enumerable.Range(1, 40).Append(64).Append(100).Append(128).Append(200).Append(1000).Select(Granularity.Group)];
        foreach (Granularity granularity in all)
        {
            foreach (string kind in (string[])["random", "asymmetric", "wide", "power"])
            {
                int bits = random.Next(2, 9);
                Check(name, random, RandomPacked.Create(random, random.Next(1, 40), random.Next(1, 300), bits, granularity, kind), 1, 3);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void EveryNumberOfTables(string name)
    {
        var random = new Random(3);
        foreach (int tables in (int[])[1, 2, 4, 8])
        {
            for (int bits = 2; bits <= 8; bits++)
            {
                foreach (string kind in (string[])["random", "uniform", "power", "asymmetric", "wide"])
                    Check(name, random, RandomPacked.Create(random, 50, 75, bits, Granularity.Group(32), kind, tables), 1, 7);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void RowsWithTheirOwnTables(string name)
    {
        var random = new Random(4);
        foreach (int rowsPerGrid in (int[])[16, 17, 31, 32, 64, 99])
            Check(name, random, RandomPacked.Create(random, 100, 96, 4, Granularity.Group(32), "power", 8, rowsPerGrid), 1, 2);
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void EveryNumberOfTokens(string name)
    {
        var random = new Random(5);
        ScalarMatrix weight = RandomPacked.Create(random, 33, 160, 4, Granularity.Group(32), "random");
        Check(name, random, weight, [.. Enumerable.Range(1, 20), 251, 252, 253, 300]);
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void LongRowsOfExtremeValues(string name)
    {
        var random = new Random(6);
        foreach (string kind in (string[])["random", "wide", "asymmetric"])
        {
            ScalarMatrix source = RandomPacked.Create(random, 3, 20000, 8, Granularity.Channel, kind);
            foreach (byte code in (byte[])[0, 255])
            {
                var codes = new byte[source.Codes.Length];
                codes.AsSpan().Fill(code);
                var weight = new ScalarMatrix(source.Spec, source.Grids, [.. source.Scales.Span], source.Zeros.ToArray(), codes);
                var x = new float[2 * 20000];
                x.AsSpan().Fill(-3);
                Compare(name, weight, x, 2);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void ActivationsOfEveryKind(string name)
    {
        var random = new Random(7);
        ScalarMatrix weight = RandomPacked.Create(random, 20, 96, 4, Granularity.Group(32), "uniform");
        foreach (float special in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, float.Epsilon, -0f,
            1e-31f, 1e-29f])
        {
            var x = Activations(random, 3 * 96);
            x[40] = x[100] = special;
            Compare(name, weight, x, 3);
            x.AsSpan().Fill(special);
            Compare(name, weight, x, 3);
        }
    }

    [Fact]
    public void TheFastestKernelIsTaken()
    {
        IntegerKernel best = KernelRegistry.Choose(null);
        Assert.Same(KernelRegistry.All.First(kernel => kernel.IsSupported), best);
        foreach (IntegerKernel kernel in KernelRegistry.All)
        {
            if (kernel.IsSupported)
                Assert.Same(kernel, KernelRegistry.Choose(kernel.Name));
            else
                Refusal.Of<InvalidOperationException>("this machine does not have its instructions",
                    () => KernelRegistry.Choose(kernel.Name));
        }
        Refusal.Of<InvalidOperationException>("no-such-kernel: there is no such kernel", () => KernelRegistry.Choose("no-such-kernel"));
        PreparedWeight weight = PreparedWeight.Create(
            RandomPacked.Create(new Random(8), 16, 32, 4, Granularity.Group(32), "power", 8), Workers.Shared)!;
        Assert.Equal(KernelRegistry.Best.Name, weight.Kernel);
        Type machine = weight.PanelKernels[0].GetType().GetGenericArguments()[0];
        Type expected = weight.Kernel switch
        {
            "vnni-512" => typeof(Vnni512Machine),
            "vnni-256" => typeof(VnniMachine),
            "avx2" => typeof(Avx2Machine),
            "arm-dot" => typeof(ArmDotMachine),
            _ => typeof(PortableMachine),
        };
        Assert.Equal(expected, machine);
    }

    [Fact]
    public void CodesKeepTheirBitsInMemory()
    {
        foreach (int bits in (int[])[2, 3, 4, 5, 6, 8])
        {
            ScalarMatrix source = RandomPacked.Create(new Random(9), 256, 1024, bits, Granularity.Group(32), "uniform");
            PreparedWeight weight = PreparedWeight.Create(source, Workers.Shared)!;
            Assert.InRange(weight.Bytes - source.Codes.Length - 2L * source.Scales.Length, 0, 512);
        }
    }

    [Fact]
    public void WideLevelsKeepOneByteWhereTheMachineLooksUp256Entries()
    {
        ScalarMatrix source = RandomPacked.Create(new Random(9), 256, 1024, 8, Granularity.Group(32), "power");
        PreparedWeight weight = PreparedWeight.Create(source, Workers.Shared)!;
        int bytes = KernelRegistry.Best.MostEntries == 256 ? 1 : 2;
        Assert.InRange(weight.Bytes, bytes * source.Codes.Length, (bytes + 0.2) * source.Codes.Length);
    }

    /// <summary>Matrices that share their input give together what each gives alone, cut alike or not, for a token, a few and
    /// many.</summary>
    [Fact]
    public void ProductsThatShareTheirInputAreThoseOfOneAfterTheOther()
    {
        var random = new Random(12);
        ScalarMatrix Matrix(int rows, int bits, int group, string grid) =>
            RandomPacked.Create(random, rows, 320, bits, Granularity.Group(group), grid);
        ScalarMatrix[][] cases =
        [
            [Matrix(48, 4, 32, "uniform")],
            [Matrix(96, 4, 32, "uniform"), Matrix(16, 4, 32, "power"), Matrix(33, 4, 32, "uniform")],
            [Matrix(48, 4, 32, "uniform"), Matrix(48, 4, 64, "uniform"), Matrix(48, 8, 64, "uniform")],
            [Matrix(40, 8, 64, "power"), Matrix(200, 8, 64, "power")],
        ];
        foreach (ScalarMatrix[] matrices in cases)
        {
            foreach (int rows in (int[])[0, 1, 3, 4, 61, 400])
            {
                float[] x = Activations(random, rows * 320);
                PreparedWeight[] weights = Array.ConvertAll(matrices, matrix => PreparedWeight.Create(matrix, Workers.Shared)!);
                float[][] together = Array.ConvertAll(matrices, matrix => new float[rows * matrix.Rows + 3]);
                PreparedWeight.Multiply(x, rows, weights, together, Workers.Shared);
                for (int i = 0; i < weights.Length; i++)
                {
                    var alone = new float[rows * matrices[i].Rows + 3];
                    weights[i].Multiply(x, rows, alone, Workers.Shared);
                    Assert.Equal(alone, together[i]);
                }
            }
        }
        PreparedWeight one = PreparedWeight.Create(cases[0][0], Workers.Shared)!;
        Refusal.Of<ArgumentOutOfRangeException>("weights.Length",
            () => PreparedWeight.Multiply(new float[320], 1, [one, one, one, one], [[], [], [], []], Workers.Shared));
        Refusal.Of<ArgumentOutOfRangeException>("y",
            () => PreparedWeight.Multiply(new float[320], 1, [one], [new float[47]], Workers.Shared));
    }

    [Fact]
    public void MatricesWithoutPanelsAreRefused()
    {
        ScalarMatrix weight = RandomPacked.Create(new Random(10), 64, 32, 4, Granularity.Group(32), "power", 1, rowsPerGrid: 8);
        Assert.Null(PreparedWeight.Create(weight, Workers.Shared));
    }

    private static void Check(string name, Random random, ScalarMatrix weight, params int[] tokens)
    {
        foreach (int rows in tokens)
            Compare(name, weight, Activations(random, rows * weight.Columns), rows);
    }

    private static void Compare(string name, ScalarMatrix weight, float[] x, int rows)
    {
        PreparedWeight prepared = PreparedWeight.Create(weight, KernelRegistry.Choose(name), Workers.Shared)!;
        var expected = new float[rows * weight.Rows];
        IntegerProduct.Multiply(x, rows, weight, expected);
        using var input = new GuardedFloats(x.Length);
        using var output = new GuardedFloats(expected.Length);
        x.CopyTo(input.Span);
        prepared.Multiply(input.Span, rows, output.Span, Workers.Shared);
        for (int i = 0; i < expected.Length; i++)
        {
            if (BitConverter.SingleToInt32Bits(expected[i]) != BitConverter.SingleToInt32Bits(output.Span[i])
                && !(float.IsNaN(expected[i]) && float.IsNaN(output.Span[i])))
                Assert.Fail($"{name}, {weight.Spec}, {rows} tokens: y[{i}] is {output.Span[i]:R}, not {expected[i]:R}");
        }
    }

    // An outlier in one of sixteen, so that the integers are of every size.
    private static float[] Activations(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() - 0.5) * (random.Next(16) == 0 ? 100 : 1)))];
}
