using Vernier.Inference.Parts;
using Vernier.Inference.Passes;
using Vernier.Inference.Weights;
using Vernier.Numerics;
using Vernier.Tests.Configuration;

namespace Vernier.Tests.Parts;

/// <summary>Runs a part on rows: at once, in pieces with a state, beside another sequence, on any number of threads.</summary>
internal static class PartRun
{
    private static readonly Vernier.Inference.Configuration.ModelConfig s_config =
        ConfigText.Read("llama", """{"max_position_embeddings": 256}""");

    /// <summary>Numbers between -1 and 1.</summary>
    public static float[] Random(int seed, int count, double scale = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(scale * (2 * random.NextDouble() - 1)))];
    }

    /// <summary>A place with a layer of random weights, and a bias where asked for.</summary>
    public static LinearSlot Slot(int seed, int outputs, int inputs, bool bias = false) => new($"{seed}.weight",
        new FloatLinear(Random(seed, outputs * inputs, 0.5), outputs, inputs, bias ? Random(seed + 1000, outputs) : null));

    /// <summary>W x + b in double precision.</summary>
    public static double[] Apply(LinearSlot slot, double[] x)
    {
        var layer = (FloatLinear)slot.Layer;
        double[] y = new double[slot.Outputs];
        for (int r = 0; r < y.Length; r++)
        {
            y[r] = layer.Bias.IsEmpty ? 0 : layer.Bias[r];
            for (int c = 0; c < x.Length; c++)
                y[r] += (double)layer.Weight[r * x.Length + c] * x[c];
        }
        return y;
    }

    /// <summary>
    /// Runs a sequence in one pass, in pieces behind each other, and both beside others; asserts that all agree, and that a pass that is
    /// not
    /// committed leaves no trace. The rows are those of the one pass.
    /// </summary>
    public static float[] Check(IBlockPart part, float[] x, int width)
    {
        int rows = x.Length / width;
        float[] whole = Pass(part, x, width, null, 2);
        Assert.Equal(whole, Pass(part, x, width, null, 1));
        var state = part.State is null ? null : new SequenceState(s_config, [part.State]);
        float[] pieces = new float[whole.Length];
        for (int first = 0, piece = Math.Min(3, rows); first < rows; first += piece, piece = Math.Min(piece % 4 + 1, rows - first))
        {
            float[] some = x[(first * width)..((first + piece) * width)];
            if (state is not null)
                Pass(part, Random(99, 2 * width), width, state, 2, commit: false);
            Pass(part, some, width, state, 2).CopyTo(pieces, first * width);
        }
        if (state is not null || part.State is null)
            AssertClose(whole, pieces);
        return whole;
    }

    /// <summary>Asserts that rows are those of a definition.</summary>
    public static void AssertClose(IEnumerable<double> expected, float[] actual, double tolerance = 1e-5)
    {
        double[] values = [.. expected];
        Assert.Equal(values.Length, actual.Length);
        double largest = Math.Max(1, values.Max(Math.Abs));
        for (int i = 0; i < values.Length; i++)
            Assert.True(Math.Abs(values[i] - actual[i]) <= tolerance * largest, $"{i}: {values[i]} and {actual[i]}");
    }

    private static void AssertClose(float[] expected, float[] actual) =>
        AssertClose(expected.Select(value => (double)value), actual);

    private static float[] Pass(IBlockPart part, float[] x, int width, SequenceState? state, int threads, bool commit = true)
    {
        using var workers = new Workers(threads);
        var context = new ForwardContext(s_config, workers);
        int rows = x.Length / width;
        // Another sequence stands before it.
        context.Begin([new Segment(new int[2]), new Segment(new int[rows], state)]);
        float[] input = [.. Random(5, 2 * width), .. x], output = new float[input.Length];
        part.Forward(input, output, context);
        if (commit)
            context.Commit();
        return output[(2 * width)..];
    }
}
