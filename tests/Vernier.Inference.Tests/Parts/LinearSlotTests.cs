using Vernier.Inference;
using Vernier.Inference.Parts;
using Vernier.Inference.Weights;

namespace Vernier.Tests.Parts;

/// <summary>The places of linear layers and their groups.</summary>
public class LinearSlotTests
{
    [Theory]
    [InlineData("llama", "q_proj k_proj v_proj|o_proj|gate_proj up_proj|down_proj")]
    [InlineData("phi3", "qkv_proj|o_proj|gate_up_proj|down_proj")]
    public void ABlockDeclaresWhichLayersShareTheirInput(string name, string expected)
    {
        TinySpec spec = TinySpecs.All.Single(spec => spec.Name == name);
        using var folder = new TinyFolder(spec.Config(), spec.Tensors(1));
        Block block = LanguageModel.Load(folder.Path).Blocks[1];
        Assert.Equal(expected,
            string.Join('|', block.Groups.Select(group => string.Join(' ', group.Slots.Select(slot => slot.Name.Split('.')[^2])))));
        Assert.Equal(block.Groups.SelectMany(group => group.Slots), block.Linears);
        Assert.All(block.Groups, group => Assert.All(group.Slots, slot => Assert.Equal(group.Inputs, slot.Inputs)));
    }

    [Fact]
    public void AGroupOfLayersThatDoNotFitIsRefused()
    {
        LinearSlot slot = Slot("a", 3, 2);
        Assert.Contains("b has 4 inputs", Assert.Throws<ArgumentException>(() => new LinearGroup(slot, Slot("b", 3, 4))).Message,
            StringComparison.Ordinal);
        Assert.Equal([slot], new LinearGroup(slot).Slots);
        Assert.Contains("another group", Assert.Throws<ArgumentException>(() => new LinearGroup(slot)).Message, StringComparison.Ordinal);
        Assert.Contains("not 0", Assert.Throws<ArgumentException>(() => new LinearGroup()).Message, StringComparison.Ordinal);
        Assert.Contains("not 5", Assert.Throws<ArgumentException>(
            () => new LinearGroup([.. Enumerable.Range(0, 5).Select(i => Slot($"{i}", 1, 1))])).Message, StringComparison.Ordinal);
    }

    private static LinearSlot Slot(string name, int outputs, int inputs) =>
        new(name, new FloatLinear(new float[outputs * inputs], outputs, inputs));
}
