using Vernier.Inference.Configuration;
using Vernier.Inference.Parts;
using Vernier.Inference.Parts.Attention;
using Vernier.Inference.Weights;

namespace Vernier.Tests.Parts.Attention;

/// <summary>What families add to attention, against the definition in double precision.</summary>
public class ScoreTests
{
    private const int Hidden = 6, Tokens = 19, Heads = 4, Keys = 2, Size = 4;

    private static readonly float[] s_x = PartRun.Random(1, Tokens * Hidden);

    public static TheoryData<string> Kinds => ["plain", "cap", "slopes", "sinks", "chunk", "clip", "temperature", "gate", "fused", "norm"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void AttentionIsItsDefinition(string kind)
    {
        int queries = Heads * Size, keys = Keys * Size;
        bool fused = kind == "fused", gated = kind == "gate";
        LinearSlot q = PartRun.Slot(2, gated ? 2 * queries : queries, Hidden), k = PartRun.Slot(3, keys, Hidden),
            v = PartRun.Slot(4, keys, Hidden), all = Joined(q, k, v), output = PartRun.Slot(5, Hidden, queries);
        float[] slopes = kind == "slopes" ? AttentionScores.AlibiSlopes(Heads) : [], sinks = kind == "sinks" ? [1, -1, 0.5f, 3] : [];
        float cap = kind == "cap" ? 0.7f : 0;
        float[] ones = [.. Enumerable.Repeat(1f, queries)];
        var shape = new AttentionShape(Heads, Keys, Size) { Chunk = kind == "chunk" ? 5 : null };
        var part = new SelfAttention(0, shape, fused ? new LinearGroup(all) : new LinearGroup(q, k, v), new LinearGroup(output))
        {
            Scores = new AttentionScores { Scale = 0.8, SoftCap = cap, Slopes = slopes, Sinks = sinks },
            Order = QueryKeyValueOrder.Heads,
            Clip = kind == "clip" ? 0.4f : null,
            Temperature = kind == "temperature" ? position => 1 + 0.1f * position : null,
            OutputNorm = kind == "norm" ? new RmsNorm(ones, 1e-5f) : null,
        };
        double[][] rows = [.. s_x.Select(value => (double)value).Chunk(Hidden)];
        double[][] own = [.. rows.Select(row => PartRun.Apply(q, row))], keyRows = [.. rows.Select(row => PartRun.Apply(k, row))],
            valueRows = [.. rows.Select(row => PartRun.Apply(v, row))];
        IEnumerable<double> expected = Enumerable.Range(0, Tokens).SelectMany(t =>
        {
            double[] attended = new double[queries];
            for (int head = 0; head < Heads; head++)
            {
                int place = gated ? 2 * head * Size : head * Size;
                double[] query = [.. own[t][place..(place + Size)]
                    .Select(value => Clip(value) * (kind == "temperature" ? 1 + 0.1 * t : 1))];
                int first = kind == "chunk" ? t / 5 * 5 : 0;
                double[] scores = [.. Enumerable.Range(first, t - first + 1).Select(j =>
                {
                    double score = 0.8 * query.Zip(keyRows[j].Skip(head / 2 * Size), (a, b) => a * Clip(b)).Sum();
                    score = cap > 0 ? cap * Math.Tanh(score / cap) : score;
                    return score + (slopes.Length > 0 ? slopes[head] * j : 0);
                })];
                double sum = scores.Sum(Math.Exp) + (sinks.Length > 0 ? Math.Exp(sinks[head]) : 0);
                for (int i = 0; i < Size; i++)
                {
                    attended[head * Size + i] = scores.Select((score, j) =>
                        Math.Exp(score) / sum * Clip(valueRows[first + j][head / 2 * Size + i])).Sum();
                    if (gated)
                        attended[head * Size + i] /= 1 + Math.Exp(-own[t][place + Size + i]);
                }
            }
            double root = Math.Sqrt(attended.Average(value => value * value) + 1e-5);
            return PartRun.Apply(output, kind == "norm" ? [.. attended.Select(value => value / root)] : attended);
        });
        PartRun.AssertClose(expected, PartRun.Check(part, s_x, Hidden));

        double Clip(double value) => kind == "clip" ? Math.Clamp(value, -0.4f, 0.4f) : value;
    }

    [Fact]
    public void LatentAttentionIsItsDefinition()
    {
        var sizes = new LatentShape(Heads: 3, Plain: 4, Rotary: 2, Value: 5, Latent: 7);
        LinearSlot low = PartRun.Slot(2, 8, Hidden), queries = PartRun.Slot(3, 18, 8), latent = PartRun.Slot(4, 9, Hidden),
            made = PartRun.Slot(5, 27, 7), output = PartRun.Slot(6, Hidden, 15);
        var rope = new RopeConfig { RotarySize = 2, Interleaved = true, Theta = 50 };
        var part = new LatentAttention(0, sizes, new LatentLayers(low, Ones(8), queries, latent, Ones(7), made, output))
        {
            Rotary = new RotaryEmbedding(rope),
            Scores = new AttentionScores { Scale = 0.6 },
        };
        double[][] rows = [.. s_x.Select(value => (double)value).Chunk(Hidden)];
        double[][] q = [.. rows.Select(row => PartRun.Apply(queries, Rms(PartRun.Apply(low, row))))],
            joined = [.. rows.Select(row => PartRun.Apply(latent, row))],
            both = [.. joined.Select(row => PartRun.Apply(made, Rms(row[..7])))];
        IEnumerable<double> expected = Enumerable.Range(0, Tokens).SelectMany(t => PartRun.Apply(output,
            [.. Enumerable.Range(0, 3).SelectMany(head =>
            {
                double[] scores = [.. Enumerable.Range(0, t + 1).Select(j =>
                {
                    double[] turned = Turn(q[t][(head * 6 + 4)..(head * 6 + 6)], t), key = Turn(joined[j][7..], j);
                    return Math.Exp(0.6 * (q[t].Skip(head * 6).Take(4).Zip(both[j].Skip(head * 9), (a, b) => a * b).Sum()
                        + turned[0] * key[0] + turned[1] * key[1]));
                })];
                return Enumerable.Range(0, 5).Select(i =>
                    scores.Select((score, j) => score * both[j][head * 9 + 4 + i]).Sum() / scores.Sum());
            })]));
        PartRun.AssertClose(expected, PartRun.Check(part, s_x, Hidden));

        static double[] Turn(double[] pair, int position) => [pair[0] * Math.Cos(position) - pair[1] * Math.Sin(position),
            pair[1] * Math.Cos(position) + pair[0] * Math.Sin(position)];
        static INorm Ones(int width) => new RmsNorm([.. Enumerable.Repeat(1f, width)], 1e-6f);
        static double[] Rms(double[] x) => [.. x.Select(value => value / Math.Sqrt(x.Average(other => other * other) + 1e-6))];
    }

    [Fact]
    public void SlopesAreThoseOfThePaper()
    {
        Assert.Equal([0.25f, 0.0625f, 0.015625f, 0.00390625f], AttentionScores.AlibiSlopes(4));
        float[] six = AttentionScores.AlibiSlopes(6);
        Assert.Equal(AttentionScores.AlibiSlopes(4), six[..4]);
        Assert.Equal([AttentionScores.AlibiSlopes(8)[0], AttentionScores.AlibiSlopes(8)[2]], six[4..]);
    }

    // For each key head its queries, its key and its value.
    private static LinearSlot Joined(LinearSlot q, LinearSlot k, LinearSlot v)
    {
        float[] Row(LinearSlot slot, int row) => ((FloatLinear)slot.Layer).Weight.Slice(row * Hidden, Hidden).ToArray();
        float[][] rows = [.. Enumerable.Range(0, Keys).SelectMany(head => Enumerable.Range(2 * head * Size, 2 * Size).Select(r => Row(q, r))
            .Concat(Enumerable.Range(head * Size, Size).Select(r => Row(k, r)))
            .Concat(Enumerable.Range(head * Size, Size).Select(r => Row(v, r))))];
        return new LinearSlot("joined.weight", new FloatLinear([.. rows.SelectMany(row => row)], rows.Length, Hidden));
    }
}
