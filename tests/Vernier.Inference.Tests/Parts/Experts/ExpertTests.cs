using Vernier.Inference.Configuration;
using Vernier.Inference.Parts;
using Vernier.Inference.Parts.Experts;

namespace Vernier.Tests.Parts.Experts;

/// <summary>Routing and experts against their definitions.</summary>
public class ExpertTests
{
    private const int Hidden = 5, Tokens = 11, Count = 6, Size = 7;

    private static readonly float[] s_x = PartRun.Random(1, Tokens * Hidden);

    public static TheoryData<ExpertScores, bool, bool> Kinds => new()
    {
        { ExpertScores.Softmax, false, false }, { ExpertScores.Softmax, true, true }, { ExpertScores.SoftmaxOfChosen, false, false },
        { ExpertScores.Sigmoid, true, true }, { ExpertScores.Sigmoid, false, false }, { ExpertScores.SparseMixer, false, false },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void AMixtureIsTheWeighedSumOfItsExperts(ExpertScores scores, bool normalize, bool more)
    {
        var routing = new ExpertRouting { Experts = Count, PerToken = 2, Scores = scores, Normalize = normalize, Scale = more ? 2.5f : 1 };
        LinearSlot router = PartRun.Slot(2, Count, Hidden);
        LinearSlot[][] layers = [.. Enumerable.Range(0, Count + 1).Select(e => (LinearSlot[])[PartRun.Slot(10 * e + 10, Size, Hidden),
            PartRun.Slot(10 * e + 11, Size, Hidden), PartRun.Slot(10 * e + 12, Hidden, Size)])];
        Expert[] experts = [.. layers.Select(own => new Expert(new LinearGroup(own[0], own[1]), new LinearGroup(own[2]), Activation.Silu))];
        float[] correction = more && scores == ExpertScores.Sigmoid ? PartRun.Random(3, Count) : [];
        LinearSlot gate = PartRun.Slot(4, 1, Hidden);
        var part = new ExpertFeedForward(router.Layer, routing, experts[..Count], more ? experts[Count] : null)
        {
            Correction = correction,
            SharedGate = more ? gate.Layer : null,
        };
        IEnumerable<double> expected = s_x.Select(value => (double)value).Chunk(Hidden).SelectMany(row =>
        {
            (int Expert, double Weight)[] chosen = Choose(PartRun.Apply(router, row), routing, correction);
            double[] y = new double[Hidden];
            foreach ((int expert, double weight) in chosen)
                y = [.. y.Zip(Run(layers[expert], row), (sum, value) => sum + weight * value)];
            double open = 1 / (1 + Math.Exp(-PartRun.Apply(gate, row)[0]));
            return more ? y.Zip(Run(layers[Count], row), (sum, value) => sum + open * value) : y;
        });
        PartRun.AssertClose(expected, PartRun.Check(part, s_x, Hidden));
        Assert.Equal(2 * (more ? Count + 1 : Count), part.Groups.Count);
        Assert.Equal(2.0 / Count, part.Groups[0].Share);
    }

    [Fact]
    public void OnlyTheBestGroupsAreLookedAt()
    {
        var routing = new ExpertRouting { Experts = 6, PerToken = 2, Scores = ExpertScores.Sigmoid, Groups = 3, TopGroups = 1,
            GroupBest = 2 };
        int[] chosen = new int[2];
        float[] weights = new float[2];
        // The best of all is in the first group, the best pair in the last.
        routing.Choose([5, -5, 1, 0, 3, 2.5f], [], chosen, weights);
        Assert.Equal([4, 5], chosen);
        Assert.Equal(1 / (1 + Math.Exp(-3)), weights[0], 1e-6);
        (routing with { GroupBest = 1 }).Choose([5, -5, 1, 0, 3, 2.5f], [], chosen, weights);
        Assert.Equal([0, 1], chosen);
        // A correction moves the choice, not the weight.
        (routing with { Groups = 1, PerToken = 1 }).Choose([5, -5, 1, 0, 3, 2.5f], [0, 10, 0, 0, 0, 0], chosen, weights);
        Assert.Equal(1, chosen[0]);
        Assert.Equal(1 / (1 + Math.Exp(5)), weights[0], 1e-6);
    }

    [Fact]
    public void BoundedAndInterleavedGatesAreThoseOfGptOss()
    {
        LinearSlot both = PartRun.Slot(2, 2 * Size, Hidden, bias: true), down = PartRun.Slot(3, Hidden, Size, bias: true),
            router = PartRun.Slot(4, 1, Hidden);
        var expert = new Expert(new LinearGroup(both), new LinearGroup(down), Activation.Silu) { Limit = 0.6f, IsInterleaved = true };
        var part = new ExpertFeedForward(router.Layer, new ExpertRouting { Experts = 1, PerToken = 1 }, [expert]);
        IEnumerable<double> expected = s_x.Select(value => (double)value).Chunk(Hidden).SelectMany(row =>
        {
            double[] all = PartRun.Apply(both, row);
            return PartRun.Apply(down, [.. Enumerable.Range(0, Size).Select(i =>
            {
                double gate = Math.Min(all[2 * i], 0.6f), up = Math.Clamp(all[2 * i + 1], -0.6f, 0.6f);
                return (up + 1) * gate / (1 + Math.Exp(-1.702 * gate));
            })]);
        });
        PartRun.AssertClose(expected, PartRun.Check(part, s_x, Hidden));
    }

    [Fact]
    public void WeightsMayMultiplyWhatComesIn()
    {
        LinearSlot up = PartRun.Slot(2, Size, Hidden), down = PartRun.Slot(3, Hidden, Size), router = PartRun.Slot(4, 1, Hidden);
        var part = new ExpertFeedForward(router.Layer, new ExpertRouting { Experts = 1, PerToken = 1, Scores = ExpertScores.Sigmoid },
            [new Expert(new LinearGroup(up), new LinearGroup(down), Activation.SquaredRelu)]) { WeighsInput = true };
        IEnumerable<double> expected = s_x.Select(value => (double)value).Chunk(Hidden).SelectMany(row =>
        {
            double weight = 1 / (1 + Math.Exp(-PartRun.Apply(router, row)[0]));
            return PartRun.Apply(down, [.. PartRun.Apply(up, [.. row.Select(value => weight * value)])
                .Select(value => Math.Pow(Math.Max(value, 0), 2))]);
        });
        PartRun.AssertClose(expected, PartRun.Check(part, s_x, Hidden));
    }

    [Fact]
    public void LayersThatDoNotFitAreRefused()
    {
        Assert.Contains("do not fit", Assert.Throws<ArgumentException>(() => new Expert(new LinearGroup(PartRun.Slot(2, 9, Hidden)),
            new LinearGroup(PartRun.Slot(3, Hidden, Size)), Activation.Silu)).Message, StringComparison.Ordinal);
        Assert.Contains("a router of 3", Assert.Throws<ArgumentException>(() => new ExpertFeedForward(PartRun.Slot(2, 3, Hidden).Layer,
            new ExpertRouting { Experts = 2, PerToken = 1 }, [])).Message, StringComparison.Ordinal);
    }

    private static double[] Run(LinearSlot[] layers, double[] x)
    {
        double[] gate = PartRun.Apply(layers[0], x), up = PartRun.Apply(layers[1], x);
        return PartRun.Apply(layers[2], [.. gate.Zip(up, (g, u) => g / (1 + Math.Exp(-g)) * u)]);
    }

    private static (int Expert, double Weight)[] Choose(double[] logits, ExpertRouting routing, float[] correction)
    {
        double[] scores = routing.Scores switch
        {
            ExpertScores.Softmax => Softmax(logits),
            ExpertScores.Sigmoid => [.. logits.Select(value => 1 / (1 + Math.Exp(-value)))],
            _ => logits,
        };
        int[] best = [.. Enumerable.Range(0, Count).OrderByDescending(e => scores[e] + (correction.Length > 0 ? correction[e] : 0))
            .Take(2)];
        double[] weights = [.. best.Select(e => scores[e])];
        if (routing.Scores == ExpertScores.SoftmaxOfChosen)
            weights = Softmax(weights);
        if (routing.Scores == ExpertScores.SparseMixer)
        {
            // Only logits that are hardly below the best count, and the first is gone for the second.
            weights = [.. best.Select((e, place) => 1 / Enumerable.Range(0, Count).Where(j => (place == 0 || j != best[0])
                && (logits[e] - logits[j]) / Math.Max(Math.Abs(logits[j]), logits[e]) <= 0.02).Sum(j => Math.Exp(logits[j] - logits[e])))];
        }
        double sum = routing.Normalize ? weights.Sum() : 1;
        return [.. best.Zip(weights, (e, weight) => (e, weight / sum * routing.Scale))];
    }

    private static double[] Softmax(double[] x) => [.. x.Select(value => Math.Exp(value) / x.Sum(Math.Exp))];
}
