using Vernier.Inference;
using Vernier.Inference.Parts;
using Vernier.Inference.Weights;
using Vernier.Numerics;

namespace Vernier.Tests.Parts;

/// <summary>Layers of one input together against each alone.</summary>
[UsesInstructions]
public class LinearGroupTests
{
    public static TheoryData<int, int> Packed => new() { { 0, 4 }, { 0, 3 }, { 0, 8 }, { 5, 4 }, { 3, 2 } };

    [Theory]
    [MemberData(nameof(Packed))]
    public void PackedLayersTogetherGiveWhatEachGivesAlone(int outliers, int bits)
    {
        using var folder = new PackedFolder(outliers, bits);
        LanguageModel model = LanguageModel.Load(folder.Path);
        foreach (LinearGroup group in model.Blocks.SelectMany(block => block.Groups))
        {
            foreach (int rows in (int[])[1, 2, 7, 24, 65])
            {
                float[] x = TinyModel.Gaussian(rows * group.Inputs, rows, 1);
                Check(group, x, rows);
            }
        }
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(7, 24, 3)]
    [InlineData(24, 7, 2)]
    [InlineData(33, 100, 65)]
    public void FloatLayersTogetherGiveWhatEachGivesAlone(int inputs, int outputs, int rows)
    {
        LinearSlot[] slots = [.. Enumerable.Range(0, 3).Select(i => new LinearSlot($"{i}", new FloatLinear(
            TinyModel.Gaussian((outputs + i) * inputs, i, 1), outputs + i, inputs,
            i == 1 ? TinyModel.Gaussian(outputs + i, 9, 1) : null)))];
        var group = new LinearGroup(slots);
        Assert.Equal((inputs, 3), (group.Inputs, group.Slots.Count));
        Check(group, TinyModel.Gaussian(rows * inputs, 7, 1), rows);
    }

    [Fact]
    public void ALayerThatIsReplacedTakesPartFromThenOn()
    {
        using var folder = new PackedFolder(outliers: 0);
        LinearGroup group = LanguageModel.Load(folder.Path).Blocks[0].Groups[0];
        float[] x = TinyModel.Gaussian(3 * group.Inputs, 5, 1);
        Check(group, x, 3);
        LinearSlot slot = group.Slots[1];
        ILinear packed = slot.Layer;
        slot.Layer = new FloatLinear(TinyModel.Gaussian(slot.Outputs * slot.Inputs, 6, 1), slot.Outputs, slot.Inputs);
        float[] changed = Check(group, x, 3)[1];
        slot.Layer = packed;
        float[] restored = Check(group, x, 3)[1];
        Assert.NotEqual(changed, restored);
        Refusal.Of<ArgumentException>("is 32 x 64, not 64 x 32", () => slot.Layer = new FloatLinear(new float[64 * 32], 64, 32));
        Refusal.Of<ArgumentNullException>("value", () => slot.Layer = null!);
        Assert.Same(packed, slot.Layer);
        Assert.Equal(restored, Check(group, x, 3)[1]);
    }

    [Fact]
    public void APlaceKeepsItsNameAndItsShape()
    {
        var layer = new FloatLinear(new float[6], 2, 3);
        var slot = new LinearSlot("w", layer);
        Assert.Equal(("w", 2, 3), (slot.Name, slot.Outputs, slot.Inputs));
        Assert.Same(layer, slot.Layer);
        Refusal.Of<ArgumentNullException>("name", () => new LinearSlot(null!, layer));
        Refusal.Of<ArgumentNullException>("layer", () => new LinearSlot("w", null!));
        Refusal.Of<ArgumentNullException>("slots", () => new LinearGroup((IReadOnlyList<LinearSlot>)null!));
        // A group that was refused leaves its places free.
        var wide = new LinearSlot("wide", new FloatLinear(new float[8], 2, 4));
        Refusal.Of<ArgumentException>("wide has 4 inputs, and w, which shares them, 3", () => new LinearGroup(slot, wide));
        Assert.Equal(3, new LinearGroup(slot).Inputs);
        Assert.Equal(4, new LinearGroup(wide).Inputs);
    }

    [Fact]
    public void APlaceIsInAGroupOnce()
    {
        var slot = new LinearSlot("twice", new FloatLinear(new float[6], 2, 3));
        Refusal.Of<ArgumentException>("twice is in another group", () => new LinearGroup(new LinearGroup(slot).Slots[0]));
        var again = new LinearSlot("again", new FloatLinear(new float[6], 2, 3));
        Refusal.Of<ArgumentException>("again is in the group twice", () => new LinearGroup(again, again));
    }

    private static float[][] Check(LinearGroup group, float[] x, int rows)
    {
        // Longer than needed, as the memory of a pass is.
        float[][] together = [.. group.Slots.Select(slot => new float[rows * slot.Outputs + 5])];
        foreach (float[] output in together)
            Array.Fill(output, -7);
        group.Apply(x, together, rows, Workers.Shared);
        for (int i = 0; i < together.Length; i++)
        {
            var alone = new float[rows * group.Slots[i].Outputs];
            group.Slots[i].Layer.Apply(x, alone, rows, Workers.Shared);
            Assert.Equal([.. alone, -7, -7, -7, -7, -7], together[i]);
        }
        return together;
    }
}
