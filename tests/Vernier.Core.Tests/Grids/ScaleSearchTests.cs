using Vernier.Grids;
using Vernier.Grids.Power;
using Vernier.Grids.Uniform;
using Vernier.Levels;

namespace Vernier.Tests.Grids;

[UsesInstructions]
public class ScaleSearchTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(8)]
    public void TheReportedErrorIsTheRealOneAndCloseToAnExhaustiveSearch(int bits)
    {
        LevelTable[] tables = [PowerGrid.Create(bits, LevelLayout.Full, 0.8)];
        foreach (float[] weights in Granules(bits))
        {
            var codes = new byte[weights.Length];
            FittedGranule fitted = new ScaleSearch().Fit(weights, [], tables, codes);
            double error = Error(weights, tables[0], fitted.Scale, codes);
            Assert.Equal(error, fitted.Error, 1e-5 * (error + 1e-12) + 1e-6 * weights.Sum(w => (double)w * w));
            float largest = weights.Max(Math.Abs) / tables[0].LargestValue;
            double best = double.PositiveInfinity;
            for (int i = -3000; i <= 3000; i++)
            {
                if (i != 0)
                    best = Math.Min(best, ErrorAt(weights, tables[0], (Half)(largest * i * 0.0005f)));
            }
            // With a handful of weights the error has many deep narrow valleys; no search by ratio finds them all.
            if (weights.Length >= 32)
                Assert.True(fitted.Error <= (bits == 8 ? 1.6 : 1.06) * best + 1e-6 * weights.Sum(w => (double)w * w),
                    $"{weights.Length}: {fitted.Error} against {best}");
        }
    }

    [Fact]
    public void MoreTablesAreNeverWorseAndTheScaleNamesItsTable()
    {
        LevelTable[] eight = [.. Enumerable.Range(0, 8)
            .Select(i => PowerGrid.Create(3, LevelLayout.Offset, 0.6 + 0.1 * (i % 4), 0.2 * (i / 4)))];
        double one = 0, all = 0;
        var used = new HashSet<int>();
        foreach (float[] weights in Granules(3))
        {
            var codes = new byte[weights.Length];
            FittedGranule fitted = new ScaleSearch().Fit(weights, [], eight, codes);
            int table = BitConverter.HalfToUInt16Bits(fitted.Scale) & 7;
            used.Add(table);
            Assert.Equal(Error(weights, eight[table], fitted.Scale, codes), fitted.Error, 1e-5 * weights.Sum(w => (double)w * w));
            all += fitted.Error;
            one += new ScaleSearch().Fit(weights, [], eight.AsSpan(0, 1), []).Error;
        }
        Assert.True(all < 0.98 * one, $"{all} against {one}");
        Assert.True(used.Count > 3, $"{used.Count} tables");
    }

    [Fact]
    public void MirroringPutsTheAdditionalLevelOnTheHeavierSide()
    {
        LevelTable[] table = [UniformGrid.Create(3, LevelLayout.Full)];
        float[] heavyAbove = [0.8f, 0.6f, 0.4f, 0.2f, 0, -0.2f, -0.4f, -0.6f];
        var codes = new byte[8];
        FittedGranule mirrored = new ScaleSearch(mirror: true).Fit(heavyAbove, [], table, codes),
            plain = new ScaleSearch(mirror: false).Fit(heavyAbove, [], table, codes);
        Assert.True(mirrored.Scale < Half.Zero);
        Assert.True(plain.Scale > Half.Zero);
        Assert.True(mirrored.Error < 0.01 * plain.Error);
        Assert.True(new LargestScale().Fit(heavyAbove, [], table, codes).Scale < Half.Zero);
    }

    [Fact]
    public void TheNormIsKeptWhereThatIsAskedFor()
    {
        LevelTable[] table = [PowerGrid.Create(2, LevelLayout.MidRise, 0.9)];
        foreach (float[] weights in Granules(2).Where(granule => granule.Length > 16))
        {
            var codes = new byte[weights.Length];
            var plainCodes = new byte[weights.Length];
            FittedGranule kept = new ScaleSearch(preserveNorm: true).Fit(weights, [], table, codes),
                plain = new ScaleSearch().Fit(weights, [], table, plainCodes);
            Assert.Equal(plainCodes, codes);
            double norm = codes.Sum(code => Math.Pow((double)kept.Scale * table[0].Values[code], 2)),
                original = weights.Sum(w => (double)w * w);
            Assert.Equal(1, norm / original, 2e-3);
            Assert.True(kept.Error >= plain.Error * 0.9999);
        }
    }

    [Fact]
    public void ImportanceMovesTheScale()
    {
        LevelTable[] table = [UniformGrid.Create(2, LevelLayout.Symmetric)];
        float[] weights = [1, 0.1f, -0.1f, 0.1f];
        Half small = new ScaleSearch().Fit(weights, [0, 1, 1, 1], table, []).Scale;
        Assert.Equal(0.1 / table[0].LargestValue, (double)small, 1e-3);
    }

    [Fact]
    public void ZerosAndExtremesAreHandled()
    {
        LevelTable[] tables = [UniformGrid.Create(4, LevelLayout.MidRise)];
        var codes = new byte[4];
        FittedGranule zero = new ScaleSearch().Fit([0, -0f, 0, 0], [], tables, codes);
        Assert.Equal(Half.Zero, zero.Scale);
        Assert.Equal(0, zero.Error);
        // A scale that half precision can't hold is not taken; the granule becomes zero rather than infinite.
        FittedGranule huge = new ScaleSearch().Fit([1e30f, 1, 1, 1], [], tables, codes);
        Assert.True(Half.IsFinite(huge.Scale));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void StoredScalesCarryTheirTable(int tables)
    {
        var random = new Random(tables);
        for (int i = 0; i < 5000; i++)
        {
            double scale = (random.Next(2) == 0 ? 1 : -1) * Math.Pow(10, 6 * random.NextDouble() - 4.5);
            int table = random.Next(tables);
            Half stored = StoredScale.Nearest(scale, table, tables);
            Assert.Equal(table, BitConverter.HalfToUInt16Bits(stored) & (tables - 1));
            Assert.Equal(Math.Sign(scale), Math.Sign((double)stored));
            if (Math.Abs(scale) > 1e-4)
                Assert.InRange((double)stored / scale, 1 - tables / 2048.0, 1 + tables / 2048.0);
        }
    }

    [Fact]
    public void TheAffineSearchNeverLosesToTheWholeRange()
    {
        LevelTable[] table = [UniformGrid.Create(4, LevelLayout.Asymmetric)];
        foreach (float[] granule in Granules(4))
        {
            float[] weights = Array.ConvertAll(granule, w => w + 0.3f);
            var codes = new byte[weights.Length];
            FittedGranule searched = new AffineScaleSearch().Fit(weights, [], table, codes);
            double error = 0;
            for (int i = 0; i < weights.Length; i++)
                error += Math.Pow(weights[i] - (double)((float)searched.Scale * table[0].Unit) * (codes[i] - searched.ZeroPoint), 2);
            Assert.Equal(error, searched.Error, 1e-9 + 1e-6 * error);
            Assert.True(searched.Error <= new AffineScaleSearch(steps: 1).Fit(weights, [], table, codes).Error);
        }
    }

    private static IEnumerable<float[]> Granules(int seed)
    {
        var random = new Random(seed);
        foreach (int length in (int[])[1, 2, 7, 32, 64, 64, 64, 128, 300])
        {
            for (int kind = 0; kind < 4; kind++)
            {
                var weights = new float[length];
                for (int i = 0; i < length; i++)
                {
                    double gauss = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
                    weights[i] = (float)(
                        kind switch { 0 => gauss, 1 => gauss * Math.Abs(gauss), 2 => random.NextDouble() - 0.5, _ => i == 0 ? 12 : gauss })
                        * 0.05f;
                }
                yield return weights;
            }
        }
    }

    private static double ErrorAt(float[] weights, LevelTable table, Half scale)
    {
        if (scale == Half.Zero || !Half.IsFinite(scale))
            return double.PositiveInfinity;
        var codes = Array.ConvertAll(weights, w => (byte)table.Encode(w * (1 / (float)scale)));
        return Error(weights, table, scale, codes);
    }

    private static double Error(float[] weights, LevelTable table, Half scale, byte[] codes)
    {
        double error = 0;
        for (int i = 0; i < weights.Length; i++)
            error += Math.Pow(weights[i] - (double)scale * table.Values[codes[i]], 2);
        return error;
    }
}
