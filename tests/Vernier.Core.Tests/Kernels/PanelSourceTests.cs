using Vernier.Kernels;
using Vernier.Numerics;

namespace Vernier.Tests;

/// <summary>Matrices of several parts over the same codes, on every kernel, against the plain definition bit for bit.</summary>
[UsesInstructions]
public class PanelSourceTests
{
    public static TheoryData<string> Kernels => [.. KernelRegistry.All.Where(kernel => kernel.IsSupported).Select(kernel => kernel.Name)];

    [Theory]
    [MemberData(nameof(Kernels))]
    public void EveryNumberOfBitsAndViews(string name)
    {
        var random = new Random(1);
        for (int bits = 2; bits <= 8; bits++)
        {
            for (int views = 1; views <= 4; views++)
            {
                foreach (bool own in (bool[])[false, true])
                    Check(name, random, Source(random, 40, 250 + views, views, 32, bits, 16, views, own, wide: own, minimums: false), 1,
                        2, 7);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void EveryWidth(string name)
    {
        var random = new Random(2);
        foreach (int width in (int[])[1, 2, 3, 4, 8, 16, 31, 32, 100, 128, 200, 1000])
        {
            for (int bits = 2; bits <= 6; bits++)
                Check(name, random, Source(random, 20, 300, 2, width, bits, 20, 2, ownLevels: true, wide: false, minimums: true), 1, 4);
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void EveryRest(string name)
    {
        var random = new Random(3);
        foreach (int rows in (int[])[1, 7, 15, 16, 17, 33, 100])
        {
            foreach (int rowsPerTable in (int[])[16, 32, 48, rows])
            {
                if (rowsPerTable == 16 || rowsPerTable <= rows)
                    Check(name, random, Source(random, rows, 130, 1, 64, 4, Math.Min(rowsPerTable, rows), 2, ownLevels: true, wide: true,
                        minimums: true), 1, 13);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void SeveralPartsOfTheSameColumns(string name)
    {
        var random = new Random(4);
        foreach (int parts in (int[])[1, 2, 3, 5])
            Check(name, random, Source(random, 64, 512, 1, 128, 4, 64, parts, ownLevels: false, wide: false, minimums: false), 1, 3, 4, 50,
                260);
    }

    [Fact]
    public void FewerRowsThanAPanelAreRefused()
    {
        Assert.Null(PreparedWeight.Create(Source(new Random(5), 64, 64, 1, 32, 4, 8, 1, ownLevels: true, wide: false, minimums: false),
            Workers.Shared));
    }

    [Fact]
    public void PartsShareTheirCodes()
    {
        var random = new Random(6);
        PreparedWeight one = PreparedWeight.Create(
            Source(random, 256, 4096, 1, 128, 4, 256, 1, ownLevels: false, wide: false, minimums: false), Workers.Shared)!;
        PreparedWeight two = PreparedWeight.Create(
            Source(random, 256, 4096, 1, 128, 4, 256, 2, ownLevels: false, wide: false, minimums: false), Workers.Shared)!;
        Assert.InRange(one.Bytes, 256 * 4096 / 2, 256 * 4096 * 0.55);
        Assert.InRange(two.Bytes - one.Bytes, 2 * 256 * 32, 256 * 4096 * 0.05);
    }

    private static PanelSource Source(Random random, int rows, int columns, int views, int width, int bits, int rowsPerTable, int parts,
        bool ownLevels, bool wide, bool minimums)
    {
        int codeColumns = (columns + views - 1) / views, granules = (codeColumns + width - 1) / width,
            groups = (rows + rowsPerTable - 1) / rowsPerTable;
        var codes = new byte[rows * codeColumns];
        for (int i = 0; i < codes.Length; i++)
            codes[i] = (byte)random.Next(1 << bits);
        PanelPart[] made = [.. Enumerable.Range(0, parts).Select(part => new PanelPart
        {
            Levels = [.. Enumerable.Range(0, groups * (ownLevels ? granules : 1) << bits)
                .Select(i => (sbyte)(i % 17 == 0 ? -128 : i % 19 == 0 ? 127 : random.Next(-128, 128)))],
            LevelsPerGranule = ownLevels,
            Unit = wide ? 1 : 0.25f,
            Scales = wide ? default : Enumerable.Range(0, rows * granules).Select(_ => (Half)(random.NextDouble() - 0.5)).ToArray(),
            WideScales = wide ? Numbers(random, rows * granules) : default,
            Minimums = minimums ? Numbers(random, rows * granules) : default,
            View = part % views,
        })];
        return new PanelSource(rows, columns, views, width, bits, rowsPerTable, (row, target) =>
            codes.AsSpan(row * codeColumns, codeColumns).CopyTo(target), made);
    }

    private static float[] Numbers(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() - 0.5))];

    private static void Check(string name, Random random, PanelSource source, params int[] tokens)
    {
        PreparedWeight prepared = PreparedWeight.Create(source, KernelRegistry.Choose(name), Workers.Shared)!;
        foreach (int rows in tokens)
        {
            float[] x = [.. Enumerable.Range(0, rows * source.InputColumns)
                .Select(_ => (float)((random.NextDouble() - 0.5) * (random.Next(16) == 0 ? 100 : 1)))];
            var expected = new float[rows * source.Rows];
            IntegerProduct.Multiply(x, rows, source, expected);
            using var input = new GuardedFloats(x.Length);
            using var output = new GuardedFloats(expected.Length);
            x.CopyTo(input.Span);
            prepared.Multiply(input.Span, rows, output.Span, Workers.Shared);
            for (int i = 0; i < expected.Length; i++)
            {
                if (BitConverter.SingleToInt32Bits(expected[i]) != BitConverter.SingleToInt32Bits(output.Span[i]))
                    Assert.Fail($"{name}, {source.Rows} x {source.InputColumns}, {source.Bits} bits, {source.Views} views, width "
                        + $"{source.Width}, {rows} tokens: y[{i}] is {output.Span[i]:R}, not {expected[i]:R}");
            }
        }
    }
}
