using Vernier.Grids;
using Vernier.Grids.Power;
using Vernier.Grids.Uniform;
using Vernier.Levels;

namespace Vernier.Tests.Grids;

[UsesInstructions]
public class GridKernelsTests
{
    private static readonly LevelTable[] s_tables =
    [
        UniformGrid.Create(2, LevelLayout.Full),
        PowerGrid.Create(3, LevelLayout.Offset, 0.7, 0.2),
        PowerGrid.Create(4, LevelLayout.Symmetric, 0.5),
        PowerGrid.Create(6, LevelLayout.MidRise, 0.9),
        PowerGrid.Create(8, LevelLayout.Full, 0.6),
        UniformGrid.Create(4, LevelLayout.Symmetric),
        UniformGrid.Create(8, LevelLayout.Full),
        UniformGrid.Create(8, LevelLayout.Asymmetric),
        UniformGrid.Create(6, LevelLayout.MidRise),
        PowerGrid.Create(5, LevelLayout.Offset, 0.6, 0.3),
    ];

    [Fact]
    public void CodesAreThoseOfTheTableAtAndBesideEveryBoundary()
    {
        foreach (LevelTable table in s_tables)
        {
            foreach (float unit in (float[])[table.Unit, MathF.ScaleB(1, -100), 64])
            {
                LevelTable scaled = table.WithUnit(unit);
                var values = new List<float> { 0, -0f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue,
                    float.Epsilon };
                foreach (float boundary in scaled.Boundaries)
                    values.AddRange([boundary, MathF.BitIncrement(boundary), MathF.BitDecrement(boundary), -boundary]);
                values.AddRange(scaled.Values);
                while (values.Count % 64 != 0)
                    values.Add(1);
                var codes = new byte[values.Count];
                GridKernels.Encode(values.ToArray(), 1, scaled, codes);
                Assert.Equal(values.Select(value => (byte)scaled.Encode(value)), codes);
            }
        }
    }

    [Fact]
    public void SeveralScalesTogetherGiveWhatEachGivesAlone()
    {
        float[] inverse = [1.7f, -0.3f, 4, 0.01f, 100, 1];
        foreach (LevelTable table in s_tables)
        {
            foreach (int length in (int[])[16, 64, 100, 2100])
            {
                (float[] weights, float[] importance) = Awkward(length, length);
                var together = new Moments[inverse.Length];
                GridKernels.Project(weights, importance, inverse, table, together);
                Assert.Equal(inverse.Select(scale => GridKernels.Project(weights, importance, scale, table)), together);
            }
        }
    }

    [Fact]
    public void CodesAndMomentsAreThoseOfTheTableAtEveryLength()
    {
        foreach (LevelTable table in s_tables)
        {
            for (int length = 0; length <= 260; length++)
            {
                (float[] weights, float[] importance) = Awkward(length, length + 1000 * table.Bits);
                var codes = new byte[length + 2];
                codes.AsSpan().Fill(0xAB);
                GridKernels.Encode(weights, 1.7f, table, codes.AsSpan(1, length));
                Assert.Equal(0xAB, codes[0]);
                Assert.Equal(0xAB, codes[^1]);
                double wv = 0, vv = 0, wvImportant = 0, vvImportant = 0, size = 0;
                for (int i = 0; i < length; i++)
                {
                    Assert.Equal(table.Encode(weights[i] * 1.7f), codes[i + 1]);
                    double value = table.Values[codes[i + 1]];
                    wv += weights[i] * value;
                    vv += value * value;
                    wvImportant += importance[i] * weights[i] * value;
                    vvImportant += importance[i] * value * value;
                    size += (1 + importance[i]) * Math.Abs(weights[i] * value) + 1;
                }
                Moments plain = GridKernels.Project(weights, [], 1.7f, table),
                    weighted = GridKernels.Project(weights, importance, 1.7f, table);
                double tolerance = 2e-6 * (size + 1);
                Assert.Equal(wv, plain.WeightLevel, tolerance);
                Assert.Equal(vv, plain.LevelLevel, tolerance);
                Assert.Equal(wvImportant, weighted.WeightLevel, tolerance);
                Assert.Equal(vvImportant, weighted.LevelLevel, tolerance);
            }
        }
    }

    private static (float[] Weights, float[] Importance) Awkward(int length, int seed)
    {
        var random = new Random(seed);
        var weights = new float[length];
        var importance = new float[length];
        for (int i = 0; i < length; i++)
        {
            weights[i] = random.Next(12) switch
            {
                0 => 0,
                1 => -0f,
                2 => float.Epsilon,
                3 => (float)(100 * (random.NextDouble() - 0.5)),
                4 => 0.5f / 1.7f,
                _ => (float)(random.NextDouble() - 0.5),
            };
            importance[i] = random.Next(5) == 0 ? 0 : (float)random.NextDouble();
        }
        return (weights, importance);
    }
}
