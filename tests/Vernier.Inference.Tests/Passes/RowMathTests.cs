using Vernier.Inference.Passes;

namespace Vernier.Tests.Passes;

/// <summary>Sums of one row and the memory of a pass.</summary>
[UsesInstructions]
public class RowMathTests
{
    [Fact]
    public void SumsOfEveryLengthAreThoseInDoublePrecisionAtAnyPlace()
    {
        var random = new Random(2);
        foreach (int length in (int[])[.. Enumerable.Range(0, 140), 1000, 1408])
        {
            float[] x = [.. Enumerable.Range(0, length).Select(_ => (float)(2 * random.NextDouble() - 1))];
            float[] y = [.. x.Select(_ => (float)(2 * random.NextDouble() - 1))];
            float dot = RowMath.Dot(x, y), sum = RowMath.Sum(x);
            Assert.Equal(x.Zip(y, (a, b) => (double)a * b).Sum(), dot, 1e-6 * (1 + length));
            Assert.Equal(x.Sum(a => (double)a), sum, 1e-6 * (1 + length));
            foreach (int shift in (int[])[1, 3, 5])
            {
                float[] moved = [.. Enumerable.Repeat(float.NaN, shift), .. x, float.NaN],
                    other = [.. Enumerable.Repeat(float.NaN, shift + 1), .. y, .. Enumerable.Repeat(float.NaN, 40)];
                Assert.Equal(dot, RowMath.Dot(moved.AsSpan(shift, length), other.AsSpan(shift + 1)));
                Assert.Equal(sum, RowMath.Sum(moved.AsSpan(shift, length)));
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(24)]
    [InlineData(65)]
    [InlineData(1000)]
    public void WhatIsNoNumberReachesTheSumFromEveryPlace(int length)
    {
        float[] ones = new float[length];
        for (int i = 0; i < length; i++)
        {
            Array.Fill(ones, 1);
            ones[i] = float.NaN;
            Assert.True(float.IsNaN(RowMath.Sum(ones)) && float.IsNaN(RowMath.Dot(ones, new float[length])));
            ones[i] = float.NegativeInfinity;
            Assert.Equal(float.NegativeInfinity, RowMath.Sum(ones));
            Assert.True(float.IsNaN(RowMath.Dot(ones, new float[length])));
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => RowMath.Dot(new float[length], new float[length - 1]));
    }

    [Fact]
    public void MemoryGrowsAndStays()
    {
        var scratch = new Scratch();
        Func<int, int, float[]>[] buffers = [scratch.Hidden, scratch.Normed, scratch.Query, scratch.Key, scratch.Value, scratch.Attended,
            scratch.Delta, scratch.Gate, scratch.Up, scratch.Inner, scratch.Logits];
        float[][] all = [.. buffers.Select((buffer, i) => buffer(3 + i, 7))];
        Assert.Equal(buffers.Length, all.Distinct().Count());
        for (int i = 0; i < buffers.Length; i++)
        {
            Assert.InRange(all[i].Length, 7 * (3 + i), int.MaxValue);
            Assert.Same(all[i], buffers[i](3 + i, 7));
            Assert.Same(all[i], buffers[i](1, 2));
            float[] grown = buffers[i](100, 24);
            Assert.NotSame(all[i], grown);
            Assert.InRange(grown.Length, 2400, int.MaxValue);
            Refusal.Of<ArgumentException>("1048576 rows of 4096 numbers are too many for one pass", () => buffers[i](1 << 20, 4096));
            Assert.Same(grown, buffers[i](100, 24));
        }
    }

    [Fact]
    public void ARowOfAMatrixInABufferIsAtItsPlace()
    {
        float[] buffer = [.. Enumerable.Range(0, 30).Select(i => (float)i)];
        var matrix = new RowMatrix(buffer, 3, 8);
        Assert.Equal([19, 20, 21], matrix.Row(2, 3).ToArray());
        matrix.Row(0, 1)[0] = -1;
        Assert.Equal(-1, buffer[3]);
        Assert.Throws<ArgumentOutOfRangeException>(() => matrix.Row(3, 4).Length);
        Assert.Throws<OverflowException>(() => new RowMatrix(buffer, 0, 1 << 20).Row(1 << 12, 1).Length);
    }
}
