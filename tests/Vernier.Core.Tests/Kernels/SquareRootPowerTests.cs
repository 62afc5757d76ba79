using Vernier.Kernels;

namespace Vernier.Tests;

[UsesInstructions]
public class SquareRootPowerTests
{
    [Fact]
    public void RootsAreExact()
    {
        for (int x = 0; x < 200_000; x++)
            Assert.Equal((int)Math.Sqrt(x), SquareRootPower.Root(x));
        foreach (int x in (int[])[int.MaxValue, int.MaxValue - 1, 46340 * 46340, 46340 * 46340 - 1, 1 << 30])
            Assert.Equal((int)Math.Floor(Math.Sqrt(x)), SquareRootPower.Root(x));
        Refusal.Of<ArgumentOutOfRangeException>("x", () => SquareRootPower.Root(-1));
    }

    [Fact]
    public void EncodingIsTheNearestRootAndUndoesDecoding()
    {
        for (int v = 0; v <= 127 * 127; v++)
        {
            Assert.Equal((int)Math.Round(Math.Sqrt(v)), SquareRootPower.Encode(v));
            Assert.Equal(-SquareRootPower.Encode(v), SquareRootPower.Encode(-v));
        }
        for (int q = -127; q <= 127; q++)
            Assert.Equal(q, SquareRootPower.Encode(q * Math.Abs(q)));
        Refusal.Of<ArgumentOutOfRangeException>("value", () => SquareRootPower.Encode(127 * 127 + 1));
    }

    [Fact]
    public void SumsAreThoseOfTheDefinition()
    {
        var random = new Random(1);
        for (int length = 0; length <= 256; length++)
        {
            sbyte[] w = [.. Enumerable.Range(0, length).Select(_ => (sbyte)random.Next(-127, 128))],
                x = [.. Enumerable.Range(0, length).Select(_ => (sbyte)random.Next(-127, 128))];
            Assert.Equal(SquareRootPower.DotReference(w, x), SquareRootPower.Dot(w, x));
        }
        foreach (sbyte extreme in (sbyte[])[-127, 127])
        {
            var w = new sbyte[100_000];
            w.AsSpan().Fill(extreme);
            Assert.Equal(100_000L * 127 * 127 * 127 * 127, SquareRootPower.Dot(w, w));
        }
    }
}
