using Vernier.Levels;

namespace Vernier.Tests.Grids;

/// <summary>The count of boundaries by cells against counting them all.</summary>
public class BoundaryIndexTests
{
    public static TheoryData<string, float[]> Spaced => new()
    {
        { "even", [.. Enumerable.Range(-127, 255).Select(i => i / 128f)] },
        { "the fewest", [.. Enumerable.Range(0, 100).Select(i => i * i / 100f)] },
        { "powers", [.. Enumerable.Range(0, 120).Select(i => MathF.ScaleB(1, i - 60))] },
        { "both signs of powers", [.. Enumerable.Range(0, 60).Select(i => -MathF.ScaleB(1, 30 - i)), .. Enumerable.Range(0, 60).Select(
            i => MathF.ScaleB(1, i - 30))] },
        { "one far away", [.. Enumerable.Range(0, 199).Select(i => i * 1e-6f), 1e6f] },
        { "all but one in the last cell", [-1e6f, .. Enumerable.Range(0, 199).Select(i => 1 + i * 1e-3f)] },
        { "equal", [.. Enumerable.Repeat(-1f, 60), .. Enumerable.Repeat(0.5f, 60), .. Enumerable.Repeat(2f, 60)] },
        { "neighbours", [.. Enumerable.Range(0, 150).Select(i => BitConverter.Int32BitsToSingle(0x3F800000 + i))] },
        { "subnormal", [.. Enumerable.Range(1, 127).Select(i => i * float.Epsilon), 1e-30f] },
        { "large", [.. Enumerable.Range(1, 254).Select(i => i * 1e36f)] },
    };

    [Theory]
    [MemberData(nameof(Spaced))]
    public void TheCountIsThatOfAllBoundaries(string spacing, float[] boundaries)
    {
        BoundaryIndex index = Assert.IsType<BoundaryIndex>(BoundaryIndex.For(boundaries), exactMatch: true);
        float first = boundaries[0], width = boundaries[^1] - first;
        var values = new List<float> { 0, -0f, float.Epsilon, float.MinValue, float.MaxValue, float.NegativeInfinity,
            float.PositiveInfinity, float.NaN };
        foreach (float boundary in boundaries)
            values.AddRange([boundary, MathF.BitIncrement(boundary), MathF.BitDecrement(boundary), -boundary]);
        for (int i = -64; i <= 2112; i++)
        {
            float edge = first + width / 2046 * i;
            values.AddRange([edge, MathF.BitIncrement(edge), MathF.BitDecrement(edge)]);
        }
        foreach (float x in values)
            Assert.True(index.Count(x) == boundaries.Count(boundary => x > boundary), $"{x:R} among {spacing}");
    }

    [Fact]
    public void FewBoundariesOrNoWidthHaveNoIndex()
    {
        Assert.Null(BoundaryIndex.For([.. Enumerable.Range(0, 99).Select(i => (float)i)]));
        Assert.Null(BoundaryIndex.For([.. Enumerable.Repeat(1f, 128)]));
        // The cells of a unit are no normal number.
        Assert.Null(BoundaryIndex.For([.. Enumerable.Range(1, 128).Select(i => i * float.Epsilon)]));
        Assert.Null(BoundaryIndex.For([.. Enumerable.Repeat(float.MinValue, 64), .. Enumerable.Repeat(float.MaxValue, 64)]));
    }

    [Fact]
    public void ATableWithAnIndexCountsAsOneWithout()
    {
        float[] levels = [.. Enumerable.Range(0, 256).Select(i => MathF.CopySign(MathF.ScaleB(1 + i % 8 / 8f, i / 8 % 16 - 8), i - 128))];
        Array.Sort(levels);
        LevelTable table = LevelTable.OfFloats(8, levels, 0.25f);
        Assert.True(table.IsIndexed);
        Assert.False(LevelTable.OfFloats(6, levels.AsSpan(0, 64), 1).IsIndexed);
        for (int code = 0; code < 256; code++)
            Assert.Equal(table.Values[code], table.Values[table.Encode(table.Values[code])]);
    }
}
