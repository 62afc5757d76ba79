using Vernier.Inference.Configuration;
using Vernier.Inference.Parts;
using Vernier.Inference.Passes;
using Vernier.Inference.Weights;
using Vernier.Tests.Configuration;

namespace Vernier.Tests.Parts;

/// <summary>The gated feed-forward against one in double precision.</summary>
public class GatedFeedForwardTests
{
    [Theory]
    [InlineData(5, 7, 3, Activation.Silu, false)]
    [InlineData(5, 7, 3, Activation.Silu, true)]
    [InlineData(9, 1, 2, Activation.GeluTanh, false)]
    [InlineData(9, 13, 33, Activation.GeluTanh, true)]
    [InlineData(4, 2049, 2, Activation.Silu, false)]
    [InlineData(3, 5, 1030, Activation.GeluTanh, true)]
    public void ItIsDownOfTheActivatedGateTimesUp(int width, int size, int rows, Activation activation, bool fused)
    {
        float[] gate = TinyModel.Gaussian(size * width, 1, 1), up = TinyModel.Gaussian(size * width, 2, 1);
        float[] down = TinyModel.Gaussian(width * size, 3, 1), x = TinyModel.Gaussian(rows * width, 4, 1);
        LinearGroup inputs = fused ? Group(Slot("both", [.. gate, .. up], 2 * size, width))
            : Group(Slot("gate", gate, size, width), Slot("up", up, size, width));
        var part = new GatedFeedForward(inputs, Group(Slot("down", down, width, size)), activation);
        Assert.Null(part.State);
        string[] names = fused ? ["both", "down"] : ["gate", "up", "down"];
        Assert.Equal(names, part.Groups.SelectMany(group => group.Slots).Select(slot => slot.Name));
        ForwardContext context = Context(rows);
        var delta = new float[rows * width];
        part.Forward(x, delta, context);
        foreach (int row in (int[])[0, rows / 2, rows - 1])
        {
            double[] input = [.. x.Skip(row * width).Take(width).Select(value => (double)value)];
            double[] inner = [.. Multiply(gate, input).Zip(Multiply(up, input), (g, u) => Activate(activation, g) * u)];
            double[] expected = Multiply(down, inner);
            for (int i = 0; i < width; i++)
                Assert.Equal(expected[i], delta[row * width + i], 1e-5 * (1 + inner.Sum(Math.Abs)));
        }
    }

    [Fact]
    public void LayersThatDoNotFitAreRefused()
    {
        Refused(Group(Linear("gate", 6, 4), Linear("up", 5, 4)), Group(Linear("down", 4, 6)));
        Refused(Group(Linear("gate", 6, 4), Linear("up", 6, 4)), Group(Linear("down", 4, 5)));
        Refused(Group(Linear("gate", 6, 4), Linear("up", 6, 4)), Group(Linear("down", 5, 6)));
        Refused(Group(Linear("both", 11, 4)), Group(Linear("down", 4, 6)));
        Refused(Group(Linear("a", 4, 4), Linear("b", 4, 4), Linear("c", 4, 4)), Group(Linear("down", 4, 6)));
        Refused(Group(Linear("gate", 6, 4), Linear("up", 6, 4)), Group(Linear("down", 4, 6), Linear("more", 4, 6)));

        static void Refused(LinearGroup inputs, LinearGroup output) =>
            Assert.Contains("do not have", Assert.Throws<ArgumentException>(
                () => new GatedFeedForward(inputs, output, Activation.Silu)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AGroupHasOneToFourLayersOfOneInput()
    {
        Assert.Contains("not 0", Assert.Throws<ArgumentException>(() => Group()).Message, StringComparison.Ordinal);
        LinearSlot[] five = [.. Enumerable.Range(0, 5).Select(i => Linear($"{i}", 2, 3))];
        Assert.Contains("not 5", Assert.Throws<ArgumentException>(() => Group(five)).Message, StringComparison.Ordinal);
        Assert.Contains("b has 4 inputs, and a, which shares them, 3",
            Assert.Throws<ArgumentException>(() => Group(Linear("a", 2, 3), Linear("b", 2, 4))).Message, StringComparison.Ordinal);
        LinearGroup group = Group(five[..3]);
        Assert.Equal(3, group.Inputs);
        Assert.Contains("1 is in another group", Assert.Throws<ArgumentException>(() => Group(five[1])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void APassThatIsCancelledDoesNotBegin()
    {
        var part = new GatedFeedForward(Group(Linear("both", 12, 4)), Group(Linear("down", 4, 6)), Activation.Silu);
        var context = new ForwardContext(ConfigText.Read("llama", "{}"));
        context.Begin([new Segment(new int[2])], new CancellationToken(canceled: true));
        Assert.Throws<OperationCanceledException>(() => part.Forward(new float[8], new float[8], context));
    }

    private static ForwardContext Context(int rows)
    {
        var context = new ForwardContext(ConfigText.Read("llama", "{}"));
        context.Begin([new Segment(new int[rows])]);
        return context;
    }

    private static LinearGroup Group(params LinearSlot[] slots) => new(slots);

    private static LinearSlot Linear(string name, int outputs, int inputs) => Slot(name, new float[outputs * inputs], outputs, inputs);

    private static LinearSlot Slot(string name, float[] weight, int outputs, int inputs) =>
        new(name, new FloatLinear(weight, outputs, inputs));

    private static double Activate(Activation activation, double x) => activation == Activation.Silu ? x / (1 + Math.Exp(-x))
        : 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));

    private static double[] Multiply(float[] matrix, double[] x) =>
        [.. Enumerable.Range(0, matrix.Length / x.Length).Select(row => x.Select((value, i) => value * matrix[row * x.Length + i]).Sum())];
}
