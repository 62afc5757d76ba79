using Vernier.Grids;
using Vernier.Grids.Uniform;
using Vernier.Levels;

namespace Vernier.Tests.Grids;

/// <summary>Scales and zero points of asymmetric grids.</summary>
public class AffineScaleSearchTests
{
    public static TheoryData<float[]> Awkward => new((float[][])
    [
        new float[24], [0.5f], [-0.5f], [0, 1], [-1, 0], [-1, 1], [0.25f, 0.5f, 1], [-1, -0.5f, -0.25f], [1e-8f, -1e-8f, 0],
        [float.Epsilon, -float.Epsilon], [1, 1, 1, 1], [-1, -1, -1], [1, 1e-3f, -1e-3f, 0], [-0f, 0f, -0f], [0.999f, -1e-30f],
        TinyModel.Gaussian(7, 1, 0.3), TinyModel.Gaussian(24, 2, 0.01), [.. TinyModel.Gaussian(1000, 3, 0.1).Select(x => x + 0.4f)],
    ]);

    [Theory]
    [MemberData(nameof(Awkward))]
    public void TheErrorIsThatOfTheCodesAndNoneIsWorseThanTheWholeRange(float[] weights)
    {
        for (int bits = 2; bits <= 8; bits++)
        {
            LevelTable grid = UniformGrid.Create(bits, LevelLayout.Asymmetric);
            byte[] codes = new byte[weights.Length], widest = new byte[weights.Length];
            FittedGranule best = new AffineScaleSearch().Fit(weights, [], [grid], codes);
            FittedGranule whole = new AffineScaleSearch(steps: 1).Fit(weights, [], [grid], widest);
            Assert.True((double)best.Scale >= 0 && best.ZeroPoint < 1 << bits);
            Assert.Equal(Error(weights, best, grid, codes), best.Error, 1e-9 * (1 + best.Error));
            Assert.Equal(Error(weights, whole, grid, widest), whole.Error, 1e-9 * (1 + whole.Error));
            Assert.True(best.Error <= whole.Error);
            // Without room for codes the granule is the same.
            Assert.Equal(best, new AffineScaleSearch().Fit(weights, [], [grid], []));
            for (int i = 0; i < weights.Length; i++)
                Assert.True(weights[i] != 0 || codes[i] == best.ZeroPoint, "zero has a code of its own");
        }
    }

    [Theory]
    [InlineData(2, -0.5, 1)]
    [InlineData(3, -1, 6)]
    [InlineData(4, -3, 12)]
    [InlineData(8, -100, 155)]
    [InlineData(8, 0, 255)]
    [InlineData(5, -31, 0)]
    public void LevelsThatAreThereComeBackExactly(int bits, double low, double high)
    {
        int last = (1 << bits) - 1;
        double step = (high - low) / last / 256;
        float[] weights = [.. Enumerable.Range(0, last + 1).Select(i => (float)(low / 256 + step * i))];
        LevelTable grid = UniformGrid.Create(bits, LevelLayout.Asymmetric);
        var codes = new byte[weights.Length];
        FittedGranule fitted = new AffineScaleSearch().Fit(weights, [], [grid], codes);
        Assert.Equal(Enumerable.Range(0, last + 1).Select(i => (byte)i), codes);
        Assert.Equal(Math.Round(-low / (high - low) * last), fitted.ZeroPoint);
        Assert.Equal(0, fitted.Error, 1e-10);
    }

    [Fact]
    public void AWeightThatCountsMoreIsNearer()
    {
        float[] weights = [-0.9f, -0.31f, 0.02f, 0.27f, 0.55f, 0.8f, 1];
        LevelTable grid = UniformGrid.Create(2, LevelLayout.Asymmetric);
        for (int chosen = 0; chosen < weights.Length; chosen++)
        {
            var importance = new float[weights.Length];
            importance[chosen] = 1;
            byte[] alone = new byte[weights.Length], equal = new byte[weights.Length];
            FittedGranule own = new AffineScaleSearch().Fit(weights, importance, [grid], alone),
                all = new AffineScaleSearch().Fit(weights, [], [grid], equal);
            Assert.True(Distance(own, alone[chosen]) <= Distance(all, equal[chosen]) + 1e-9);
            Assert.Equal(Math.Pow(Distance(own, alone[chosen]), 2), own.Error, 1e-12);

            double Distance(FittedGranule granule, byte code) =>
                Math.Abs(weights[chosen] - (double)granule.Scale * grid.Unit * (code - granule.ZeroPoint));
        }
    }

    [Fact]
    public void SeveralTablesAreRefused()
    {
        LevelTable grid = UniformGrid.Create(4, LevelLayout.Asymmetric);
        Refusal.Of<ArgumentException>("tables", () => new AffineScaleSearch().Fit([1], [], [grid, grid], []));
        Refusal.Of<ArgumentException>("tables", () => new AffineScaleSearch().Fit([1], [], [], []));
    }

    private static double Error(float[] weights, FittedGranule granule, LevelTable grid, byte[] codes) =>
        weights.Select((weight, i) => weight - (double)((float)granule.Scale * grid.Unit) * (codes[i] - granule.ZeroPoint))
            .Sum(difference => difference * difference);
}
