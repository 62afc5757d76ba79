using Vernier.Inference.Configuration;
using Vernier.Inference.Parts;
using Vernier.Inference.Parts.Attention;
using Vernier.Inference.Weights;
using Vernier.Numerics;

namespace Vernier.Tests.Parts;

/// <summary>Norms, nonlinearities, entries and exits against their definitions.</summary>
public class SmallPartTests
{
    private static readonly float[] s_row = PartRun.Random(3, 29, 3);

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, false)]
    public void TheLayerNormIsItsDefinition(bool weighed, bool biased)
    {
        float[] weight = PartRun.Random(4, 29), bias = PartRun.Random(5, 29), y = new float[29];
        new LayerNorm(weighed ? weight : null, biased ? bias : null, 1e-5f).Apply(s_row, y);
        double mean = s_row.Average(x => (double)x), deviation = Math.Sqrt(s_row.Average(x => Math.Pow(x - mean, 2)) + 1e-5);
        PartRun.AssertClose(s_row.Select((x, i) => (x - mean) / deviation * (weighed ? weight[i] : 1) + (biased ? bias[i] : 0)), y);
    }

    /// <summary>erf of 0.1, 0.5, 1, 2, 2.9, 3.1 and 5, from tables.</summary>
    [Fact]
    public void TheErrorFunctionIsThatOfTheTables()
    {
        (double X, double Y)[] table = [(0.1, 0.1124629160182849), (0.5, 0.5204998778130465), (1, 0.8427007929497149),
            (2, 0.9953222650189527), (2.9, 0.9999589021219005), (3.1, 0.9999883513426328), (5, 0.9999999999984626)];
        foreach ((double x, double y) in table)
        {
            Assert.Equal(y, ActivationFunctions.Erf(x), 1e-13);
            Assert.Equal(-y, ActivationFunctions.Erf(-x), 1e-13);
        }
        Assert.Equal((0.0, 1.0), (ActivationFunctions.Erf(0), ActivationFunctions.Erf(40)));
    }

    [Theory]
    [InlineData(Activation.Silu)]
    [InlineData(Activation.Gelu)]
    [InlineData(Activation.GeluTanh)]
    [InlineData(Activation.Relu)]
    [InlineData(Activation.SquaredRelu)]
    public void NonlinearitiesAreTheirDefinitions(Activation activation)
    {
        float[] y = new float[s_row.Length];
        ActivationFunctions.Apply(activation, s_row, y);
        PartRun.AssertClose(s_row.Select(x => activation switch
        {
            Activation.Silu => x / (1 + Math.Exp(-x)),
            Activation.Gelu => 0.5 * x * (1 + ActivationFunctions.Erf(x / Math.Sqrt(2))),
            Activation.GeluTanh => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))),
            Activation.Relu => Math.Max(x, 0),
            _ => Math.Pow(Math.Max(x, 0), 2),
        }), y);
    }

    [Fact]
    public void AFeedForwardWithoutAGateIsItsDefinition()
    {
        LinearSlot up = PartRun.Slot(2, 9, 4, bias: true), down = PartRun.Slot(3, 4, 9, bias: true);
        float[] x = PartRun.Random(4, 7 * 4);
        IEnumerable<double> expected = x.Select(value => (double)value).Chunk(4)
            .SelectMany(row => PartRun.Apply(down, [.. PartRun.Apply(up, row).Select(value => Math.Max(value, 0))]));
        PartRun.AssertClose(expected, PartRun.Check(new FeedForward(new LinearGroup(up), new LinearGroup(down), Activation.Relu), x, 4));
        Assert.Contains("do not fit", Assert.Throws<ArgumentException>(() => new FeedForward(new LinearGroup(PartRun.Slot(5, 8, 4)),
            new LinearGroup(PartRun.Slot(6, 4, 9)), Activation.Relu)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PartsSideBySideSeeTheSameAndAreAddedUp()
    {
        float[] ones = [1, 1, 1, 1], x = PartRun.Random(4, 5 * 4);
        FeedForward Part(int seed) => new(new LinearGroup(PartRun.Slot(seed, 6, 4)), new LinearGroup(PartRun.Slot(seed + 1, 4, 6)),
            Activation.Relu);
        float[] first = PartRun.Check(Part(10), Normed(x), 4), second = PartRun.Check(Part(20), [.. x.Select(value => 0.5f * value)], 4);
        float[] both = PartRun.Check(new ParallelParts(4, new ParallelBranch(new RmsNorm(ones, 1e-6f), Part(10)),
            new ParallelBranch(null, Part(20), 0.5f, 3)), x, 4);
        PartRun.AssertClose(first.Zip(second, (a, b) => a + 3.0 * b), both);

        float[] Normed(float[] rows) => [.. rows.Chunk(4).SelectMany(row =>
        {
            float[] y = new float[4];
            new RmsNorm(ones, 1e-6f).Apply(row, y);
            return y;
        })];
    }

    [Fact]
    public void EntriesAddPositionsScaleAndNorm()
    {
        var table = new FloatEmbedding([1, 2, 3, 4], 2, 2);
        var positions = new FloatEmbedding([9, 9, 9, 9, 10, 20, 30, 40], 4, 2);
        float[] row = new float[2];
        IEmbedding entry = new PositionedEmbedding(new ScaledEmbedding(table, 2), positions, first: 2);
        entry.Lookup(1, 1, row);
        Assert.Equal([36f, 48f], row);
        entry.Lookup(0, row);
        Assert.Equal([12f, 24f], row);
        new NormedEmbedding(entry, new LayerNorm(null, null, 1e-12f)).Lookup(1, 1, row);
        PartRun.AssertClose([-1, 1], row);
        Assert.Equal((2, 2), (entry.Count, entry.Width));
    }

    [Fact]
    public void TheExitAddsScalesAndBounds()
    {
        using var workers = new Workers(1);
        var layer = new OutputLayer(new FloatLinear([1, 2, 3, 4], 2, 2), [1, -1], 0.5f, 3);
        float[] y = new float[4];
        layer.Apply([1, 1, 2, -1], y, 2, workers);
        PartRun.AssertClose([3 * Math.Tanh(2.0 / 3), 3 * Math.Tanh(3.0 / 3), 3 * Math.Tanh(0.5 / 3), 3 * Math.Tanh(0.5 / 3)], y);
    }

    /// <summary>YaRN: fast frequencies stay, slow ones are divided, between them the ramp; as the paper's formula gives them.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void YarnIsItsFormula(bool whole)
    {
        var rope = new RopeConfig { RotarySize = 64, Scaling = RopeScaling.Yarn, Factor = 8, OriginalMaxPositions = 2048,
            WholeBorders = whole };
        double low = Border(32), high = Border(1);
        if (whole)
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        double[] actual = RotaryAngles.Frequencies(rope, longContext: false);
        for (int i = 0; i < 32; i++)
        {
            double plain = Math.Pow(10000, -2.0 * i / 64), ramp = Math.Clamp((i - low) / (high - low), 0, 1);
            Assert.Equal(plain / 8 * ramp + plain * (1 - ramp), actual[i], 1e-15);
        }

        static double Border(double turns) => 64 * Math.Log(2048 / (turns * 2 * Math.PI)) / (2 * Math.Log(10000));
    }

    [Fact]
    public void DynamicScalingBeginsBeyondTheContextAndGrowsWithTheLength()
    {
        var rope = new RopeConfig { RotarySize = 8, Scaling = RopeScaling.Dynamic, Factor = 2, OriginalMaxPositions = 16 };
        Assert.Equal(Plain(10000), RotaryAngles.Frequencies(rope, false, 16));
        double theta = 10000 * Math.Pow(2.0 * 24 / 16 - 1, 8.0 / 6);
        Assert.Equal(Plain(theta), RotaryAngles.Frequencies(rope, false, 24));
        var embedding = new RotaryEmbedding(rope);
        Assert.Same(embedding.Angles(99, 24), embedding.Angles(99, 24));
        Assert.NotSame(embedding.Angles(99, 24), embedding.Angles(99, 25));
        Assert.Same(embedding.Angles(99, 3), embedding.Angles(99, 16));

        static double[] Plain(double theta) => [.. Enumerable.Range(0, 4).Select(i => Math.Pow(theta, -2.0 * i / 8))];
    }
}
