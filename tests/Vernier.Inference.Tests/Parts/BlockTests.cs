using Vernier.Inference.Parts;
using Vernier.Inference.Parts.Attention;
using Vernier.Inference.Passes;
using Vernier.Inference.Weights;
using Vernier.Tests.Configuration;

namespace Vernier.Tests.Parts;

/// <summary>Blocks of parts, and the norm before each.</summary>
public class BlockTests
{
    private const int Width = 5;

    [Theory]
    [InlineData(1, 1e-5f)]
    [InlineData(3, 1e-6f)]
    [InlineData(17, 0.5f)]
    [InlineData(65, 1e-5f)]
    public void ANormDividesByTheRootOfTheMeanSquare(int length, float epsilon)
    {
        float[] x = TinyModel.Gaussian(length, 1, 3), weight = TinyModel.Gaussian(length, 2, 1), y = new float[length];
        var norm = new RmsNorm(weight, epsilon);
        norm.Apply(x, y);
        double scale = 1 / Math.Sqrt(x.Average(value => (double)value * value) + epsilon);
        for (int i = 0; i < length; i++)
            Assert.Equal(x[i] * scale * weight[i], y[i], 1e-5 * (1 + Math.Abs(y[i])));
        // In place, and of zeros.
        float[] same = [.. x];
        norm.Apply(same, same);
        Assert.Equal(y, same);
        norm.Apply(new float[length], y);
        Assert.Equal(new float[length], y);
    }

    [Fact]
    public void EachPartSeesTheStreamAfterThoseBefore()
    {
        var block = new Block(3, Width,
            new BlockStep(new Scale(2), new Map(x => x + 1)),
            new BlockStep(new Scale(-1), new Map(x => 10 * x)));
        float[] hidden = [.. Enumerable.Range(0, 3 * Width).Select(i => (float)i)], before = [.. hidden];
        var context = new ForwardContext(ConfigText.Read("llama", "{}"));
        context.Begin([new Segment(new int[2]), new Segment(new int[1])]);
        block.Forward(hidden, context);
        for (int i = 0; i < hidden.Length; i++)
        {
            float first = before[i] + 2 * before[i] + 1;
            Assert.Equal(first - 10 * first, hidden[i]);
        }
        Assert.Equal((3, null), (block.Layer, block.State));
        Refusal.Of<ArgumentOutOfRangeException>("hidden.Length", () => block.Forward(new float[3 * Width - 1], context));
    }

    [Fact]
    public void LinearLayersAreFoundByName()
    {
        LinearSlot a = Slot("a.weight", 2, Width), b = Slot("b.weight", 3, Width), c = Slot("c.weight", Width, 4);
        var state = new KeyValueShape(1, 4);
        var keeping = new Map(x => x, [new LinearGroup(a, b)], state);
        var last = new Map(x => x, [new LinearGroup(c)]);
        var block = new Block(0, Width, new BlockStep(new Scale(1), keeping), new BlockStep(new Scale(1), last));
        Assert.Equal([a, b, c], block.Linears);
        Assert.Equal([2, 1], block.Groups.Select(group => group.Slots.Count));
        Assert.Same(b, block["b.weight"]);
        Assert.Equal(state, block.State);
        Assert.Contains("no linear layer d.weight; it has a.weight, b.weight, c.weight",
            Assert.Throws<ArgumentException>(() => block["d.weight"]).Message, StringComparison.Ordinal);
        Assert.Contains("a.weight is 2 x 5, not 5 x 2",
            Assert.Throws<ArgumentException>(() => a.Layer = new FloatLinear(new float[10], 5, 2)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ABlockKeepsAtMostOneThingOfASequence()
    {
        BlockStep Keeping() => new(new Scale(1), new Map(x => x, [], new KeyValueShape(1, 4)));
        Assert.NotNull(new Block(0, Width, Keeping()).State);
        Refusal.Of<ArgumentException>("at most one that keeps something", () => new Block(0, Width, Keeping(), Keeping()));
        Refusal.Of<ArgumentException>("a block has at least one part", () => new Block(0, Width));
        Refusal.Of<ArgumentOutOfRangeException>("layer", () => new Block(-1, Width, Keeping()));
        Refusal.Of<ArgumentOutOfRangeException>("width", () => new Block(0, 0, Keeping()));
    }

    private static LinearSlot Slot(string name, int outputs, int inputs) =>
        new(name, new FloatLinear(new float[outputs * inputs], outputs, inputs));

    private sealed class Scale(float factor) : INorm
    {
        public void Apply(ReadOnlySpan<float> x, Span<float> y)
        {
            for (int i = 0; i < x.Length; i++)
                y[i] = factor * x[i];
        }
    }

    private sealed class Map(Func<float, float> map, IReadOnlyList<LinearGroup>? groups = null, LayerStateShape? state = null) : IBlockPart
    {
        public IReadOnlyList<LinearGroup> Groups => groups ?? [];

        public LayerStateShape? State => state;

        public void Forward(ReadOnlySpan<float> x, Span<float> delta, ForwardContext context)
        {
            for (int i = 0; i < x.Length; i++)
                delta[i] = map(x[i]);
        }
    }
}
