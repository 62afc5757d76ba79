using Vernier.Inference.Configuration;
using Vernier.Inference.Parts;
using Vernier.Inference.Parts.StateSpaces;

namespace Vernier.Tests.Parts.StateSpaces;

/// <summary>Recurrent mixers against what their papers write, token after token in double precision.</summary>
public class MixerTests
{
    private const int Hidden = 6, Tokens = 13, Kernel = 4;

    private static readonly float[] s_x = PartRun.Random(1, Tokens * Hidden);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void MambaIsItsDefinition(bool norms)
    {
        const int Inner = 17, State = 3, Rank = 2;
        LinearSlot[] layers = [PartRun.Slot(2, 2 * Inner, Hidden), PartRun.Slot(3, Rank + 2 * State, Inner),
            PartRun.Slot(4, Inner, Rank, bias: true), PartRun.Slot(5, Hidden, Inner)];
        float[] weight = PartRun.Random(6, Inner * Kernel), bias = PartRun.Random(7, Inner), decay = PartRun.Random(8, Inner * State),
            direct = PartRun.Random(9, Inner);
        var part = new MambaMixer(0, layers, (weight, bias), decay, direct)
        {
            Norms = norms ? (Ones(Rank), Ones(State), Ones(State)) : null,
        };
        var inputs = new List<double[]>();
        double[,] h = new double[Inner, State];
        IEnumerable<double> expected = Rows().SelectMany(row =>
        {
            double[] both = PartRun.Apply(layers[0], row);
            inputs.Add(both[..Inner]);
            double[] x = Convolve(inputs, weight, bias, silu: true), chosen = PartRun.Apply(layers[1], x);
            double[] step = chosen[..Rank], b = chosen[Rank..(Rank + State)], c = chosen[(Rank + State)..];
            if (norms)
                (step, b, c) = (Rms(step), Rms(b), Rms(c));
            double[] steps = PartRun.Apply(layers[2], step), y = new double[Inner];
            for (int i = 0; i < Inner; i++)
            {
                double d = Math.Log(1 + Math.Exp(steps[i]));
                y[i] = direct[i] * x[i];
                for (int s = 0; s < State; s++)
                {
                    h[i, s] = Math.Exp(-d * Math.Exp(decay[i * State + s])) * h[i, s] + d * b[s] * x[i];
                    y[i] += c[s] * h[i, s];
                }
                y[i] *= Silu(both[Inner + i]);
            }
            return PartRun.Apply(layers[3], y);
        });
        PartRun.AssertClose(expected, PartRun.Check(part, s_x, Hidden));

        static INorm Ones(int width) => new RmsNorm([.. Enumerable.Repeat(1f, width)], 1e-6f);
    }

    [Theory]
    [InlineData(true, false, 1, 0)]
    [InlineData(true, true, 2, 1)]
    [InlineData(false, false, 1, 1)]
    public void Mamba2IsItsDefinition(bool norms, bool first, int groups, int scaled)
    {
        var sizes = new Mamba2Shape(4, 5, 3, 2);
        LinearSlot into = PartRun.Slot(2, sizes.Inner + sizes.Convolved + sizes.Heads, Hidden),
            outOf = PartRun.Slot(3, Hidden, sizes.Inner);
        float[] weight = PartRun.Random(4, sizes.Convolved * Kernel), bias = PartRun.Random(5, sizes.Convolved),
            decay = PartRun.Random(6, 4), direct = PartRun.Random(7, 4), stepBias = PartRun.Random(8, 4),
            norm = PartRun.Random(9, sizes.Inner);
        float[] scales = scaled == 0 ? [] : [0.5f, 2, 3, 0.25f, 1.5f];
        var part = new Mamba2Mixer(0, sizes, into, outOf, new Mamba2Tensors(weight, bias, decay, direct, stepBias,
            new GatedNorm(norms ? norm : null, 1e-5f, groups, first)) { Steps = (0.3f, 0.9f), Scales = scales });
        var inputs = new List<double[]>();
        double[,,] state = new double[4, 5, 3];
        IEnumerable<double> expected = Rows().SelectMany(row =>
        {
            double[] all = PartRun.Apply(into, row);
            int[] widths = [20, 20, 6, 6, 4];
            for (int i = 0, at = 0; i < 5 && scaled == 1; at += widths[i], i++)
            {
                for (int j = at; j < at + widths[i]; j++)
                    all[j] *= scales[i];
            }
            inputs.Add(all[20..52]);
            double[] xbc = Convolve(inputs, weight, bias, silu: true), y = new double[20];
            for (int head = 0; head < 4; head++)
            {
                double d = Math.Clamp(Math.Log(1 + Math.Exp(all[52 + head] + stepBias[head])), 0.3f, 0.9f);
                for (int p = 0; p < 5; p++)
                {
                    double x = xbc[head * 5 + p];
                    y[head * 5 + p] = direct[head] * x;
                    for (int s = 0; s < 3; s++)
                    {
                        state[head, p, s] = Math.Exp(-d * Math.Exp(decay[head])) * state[head, p, s] + d * x * xbc[20 + head / 2 * 3 + s];
                        y[head * 5 + p] += state[head, p, s] * xbc[26 + head / 2 * 3 + s];
                    }
                }
            }
            double[] gated = [.. y.Select((value, i) => first && norms ? value : value * Silu(all[i]))];
            if (norms)
                gated = [.. gated.Chunk(20 / groups).SelectMany(part => Rms(part, 1e-5)).Select((value, i) => value * norm[i])];
            if (norms && first)
                gated = [.. gated.Select((value, i) => value * Silu(all[i]))];
            return PartRun.Apply(outOf, gated);
        });
        PartRun.AssertClose(expected, PartRun.Check(part, s_x, Hidden));
    }

    [Fact]
    public void TheDeltaRuleIsItsDefinitionHoweverItsProjectionsAreJoined()
    {
        var sizes = new DeltaShape(2, 4, 3, 5);
        LinearSlot[] apart = [PartRun.Slot(2, sizes.Convolved, Hidden), PartRun.Slot(3, sizes.Values, Hidden), PartRun.Slot(4, 4, Hidden),
            PartRun.Slot(5, 4, Hidden)];
        LinearSlot outOf = PartRun.Slot(6, Hidden, sizes.Values);
        float[] weight = PartRun.Random(7, sizes.Convolved * Kernel), decay = PartRun.Random(8, 4), bias = PartRun.Random(9, 4),
            norm = PartRun.Random(10, 5);
        var part = new GatedDeltaNet(0, sizes, new LinearGroup(apart), new LinearGroup(outOf), weight, decay, bias, (norm, 1e-6f));
        var inputs = new List<double[]>();
        double[,,] state = new double[4, 3, 5];
        IEnumerable<double> expected = Rows().SelectMany(row =>
        {
            inputs.Add(PartRun.Apply(apart[0], row));
            double[] qkv = Convolve(inputs, weight, null, silu: true), z = PartRun.Apply(apart[1], row), b = PartRun.Apply(apart[2], row),
                a = PartRun.Apply(apart[3], row), all = new double[20];
            for (int head = 0; head < 4; head++)
            {
                double[] q = Unit(qkv[(head / 2 * 3)..(head / 2 * 3 + 3)]), k = Unit(qkv[(6 + head / 2 * 3)..(9 + head / 2 * 3)]),
                    v = qkv[(12 + head * 5)..(17 + head * 5)], y = new double[5];
                double kept = Math.Exp(-Math.Exp(decay[head]) * Math.Log(1 + Math.Exp(a[head] + bias[head])));
                for (int j = 0; j < 5; j++)
                {
                    double known = 0;
                    for (int i = 0; i < 3; i++)
                        known += (state[head, i, j] *= kept) * k[i];
                    double change = (v[j] - known) / (1 + Math.Exp(-b[head]));
                    for (int i = 0; i < 3; i++)
                        y[j] += (state[head, i, j] += k[i] * change) * q[i] / Math.Sqrt(3);
                }
                Rms(y).Select((value, j) => value * norm[j] * Silu(z[head * 5 + j])).ToArray().CopyTo(all, head * 5);
            }
            return PartRun.Apply(outOf, all);
        });
        float[] actual = PartRun.Check(part, s_x, Hidden);
        PartRun.AssertClose(expected, actual);

        // For each key head: its query, key, values, gates; then the two numbers of each value head.
        int[] order = [.. Enumerable.Range(0, 2).SelectMany(head => (int[])[.. Some(head * 3, 3), .. Some(6 + head * 3, 3),
            .. Some(12 + head * 10, 10), .. Some(32 + head * 10, 10)])];
        int[] small = [.. Enumerable.Range(0, 2).SelectMany(head => (int[])[.. Some(head * 2, 2), .. Some(4 + head * 2, 2)])];
        var joined = new LinearGroup(Joined(order, apart[0], apart[1]), Joined(small, apart[2], apart[3]));
        LinearSlot output = PartRun.Slot(6, Hidden, sizes.Values);
        Assert.Equal(actual, PartRun.Check(new GatedDeltaNet(0, sizes, joined, new LinearGroup(output), weight, decay, bias,
            (norm, 1e-6f)), s_x, Hidden));

        static double[] Unit(double[] x) => [.. x.Select(value => value / Math.Sqrt(x.Sum(other => other * other) + 1e-6))];
        static int[] Some(int first, int count) => [.. Enumerable.Range(first, count)];
    }

    [Fact]
    public void TheShortConvolutionIsItsDefinition()
    {
        const int Width = 7;
        LinearSlot into = PartRun.Slot(2, 3 * Width, Hidden), outOf = PartRun.Slot(3, Hidden, Width);
        float[] weight = PartRun.Random(4, Width * 3), bias = PartRun.Random(5, Width);
        var inputs = new List<double[]>();
        IEnumerable<double> expected = Rows().SelectMany(row =>
        {
            double[] all = PartRun.Apply(into, row);
            inputs.Add([.. Enumerable.Range(0, Width).Select(i => all[i] * all[2 * Width + i])]);
            return PartRun.Apply(outOf, [.. Convolve(inputs, weight, bias, silu: false).Select((value, i) => value * all[Width + i])]);
        });
        PartRun.AssertClose(expected, PartRun.Check(new ShortConvolution(0, into, outOf, weight, bias), s_x, Hidden));
    }

    [Fact]
    public void TheRecurrentUnitIsItsDefinition()
    {
        const int Width = 8, Blocks = 2, Size = 4;
        LinearSlot y = PartRun.Slot(2, Width, Hidden, bias: true), x = PartRun.Slot(3, Width, Hidden, bias: true),
            outOf = PartRun.Slot(4, Hidden, Width);
        float[] weight = PartRun.Random(5, Width * Kernel), bias = PartRun.Random(6, Width), wi = PartRun.Random(7, Blocks * Size * Size),
            bi = PartRun.Random(8, Width), wr = PartRun.Random(9, Blocks * Size * Size), br = PartRun.Random(10, Width),
            rate = PartRun.Random(11, Width);
        var part = new RecurrentUnit(0, new LinearGroup(y, x), new LinearGroup(outOf), (weight, bias), Activation.SquaredRelu, (wi, bi),
            (wr, br), rate, Blocks);
        var inputs = new List<double[]>();
        double[] h = new double[Width];
        IEnumerable<double> expected = Rows().SelectMany((row, t) =>
        {
            inputs.Add(PartRun.Apply(x, row));
            double[] u = Convolve(inputs, weight, bias, silu: false), open = PartRun.Apply(y, row), next = new double[Width];
            for (int i = 0; i < Width; i++)
            {
                double entering = Sigmoid(Gate(wi, bi, u, i)), reset = Sigmoid(Gate(wr, br, u, i));
                double a = Math.Exp(-8 * reset * Math.Log(1 + Math.Exp(rate[i])));
                next[i] = t == 0 ? entering * u[i] : a * h[i] + Math.Sqrt(1 - a * a) * entering * u[i];
            }
            h = next;
            return PartRun.Apply(outOf, [.. h.Select((value, i) => value * Math.Pow(Math.Max(open[i], 0), 2))]);
        });
        PartRun.AssertClose(expected, PartRun.Check(part, s_x, Hidden));

        static double Gate(float[] w, float[] b, double[] u, int i)
        {
            double sum = b[i];
            for (int j = 0; j < Size; j++)
                sum += w[(i / Size * Size + j) * Size + i % Size] * u[i / Size * Size + j];
            return sum;
        }
    }

    [Fact]
    public void LayersThatDoNotFitAreRefused()
    {
        LinearSlot[] layers = [PartRun.Slot(2, 10, Hidden), PartRun.Slot(3, 8, 5), PartRun.Slot(4, 4, 2), PartRun.Slot(5, Hidden, 5)];
        Assert.Contains("do not fit", Assert.Throws<ArgumentException>(() => new MambaMixer(0, layers, (new float[20], null), new float[15],
            new float[5])).Message, StringComparison.Ordinal);
        Assert.Contains("do not fit", Assert.Throws<ArgumentException>(() => new ShortConvolution(0, PartRun.Slot(2, 10, Hidden),
            PartRun.Slot(3, Hidden, 5), new float[15], null)).Message, StringComparison.Ordinal);
    }

    private static LinearSlot Joined(int[] order, params LinearSlot[] parts)
    {
        float[][] rows = [.. parts.SelectMany(part => ((Vernier.Inference.Weights.FloatLinear)part.Layer).Weight.ToArray().Chunk(Hidden))];
        return new LinearSlot($"joined{order.Length}", new Vernier.Inference.Weights.FloatLinear([.. order.SelectMany(row => rows[row])],
            order.Length, Hidden));
    }

    private static IEnumerable<double[]> Rows() => s_x.Select(value => (double)value).Chunk(Hidden);

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    private static double Silu(double x) => x * Sigmoid(x);

    private static double[] Rms(double[] x, double epsilon = 1e-6) =>
        [.. x.Select(value => value / Math.Sqrt(x.Average(other => other * other) + epsilon))];

    // What comes out for the last of the inputs.
    private static double[] Convolve(List<double[]> inputs, float[] weight, float[]? bias, bool silu)
    {
        int channels = inputs[0].Length, length = weight.Length / channels;
        return [.. Enumerable.Range(0, channels).Select(channel =>
        {
            double sum = bias?[channel] ?? 0;
            for (int j = 0; j < length && j < inputs.Count; j++)
                sum += weight[channel * length + length - 1 - j] * inputs[^(j + 1)][channel];
            return silu ? Silu(sum) : sum;
        })];
    }
}
