using Vernier.Inference.Configuration;
using Vernier.Inference.Parts.Attention;
using Vernier.Numerics;

namespace Vernier.Tests.Parts.Attention;

/// <summary>The rotation against one in double precision, on halves that fill no register.</summary>
public class RotaryEmbeddingTests
{
    [Theory]
    [InlineData(2, 2, 10000)]
    [InlineData(6, 6, 10000)]
    [InlineData(6, 11, 500)]
    [InlineData(22, 24, 1e6)]
    [InlineData(38, 96, 10000)]
    [InlineData(128, 128, 500000)]
    public void LeadingCoordinatesAreTurnedInPairs(int rotary, int headSize, double theta)
    {
        var angles = new RotaryAngles(new RopeConfig { RotarySize = rotary, Theta = theta, AttentionFactor = 1.25 }, longContext: false);
        angles.Ensure(200, Workers.Shared);
        foreach (int position in (int[])[0, 1, 7, 64, 199])
        {
            float[] head = TinyModel.Gaussian(headSize, position + 1, 1), turned = [.. head];
            angles.Rotate(turned, position);
            for (int i = 0; i < rotary / 2; i++)
            {
                (double sine, double cosine) = Math.SinCos(position * TinySpec.PlainFrequency(i, theta, rotary));
                double a = head[i], b = head[i + rotary / 2];
                Assert.Equal(1.25 * (a * cosine - b * sine), turned[i], 1e-5);
                Assert.Equal(1.25 * (b * cosine + a * sine), turned[i + rotary / 2], 1e-5);
            }
            Assert.Equal(head[rotary..], turned[rotary..]);
        }
    }

    [Fact]
    public void AnglesStayWhereMoreAreNeeded()
    {
        var grown = new RotaryAngles(new RopeConfig { RotarySize = 10 }, longContext: false);
        var whole = new RotaryAngles(new RopeConfig { RotarySize = 10 }, longContext: false);
        whole.Ensure(500, Workers.Shared);
        foreach (int length in (int[])[1, 3, 64, 65, 2, 500])
        {
            grown.Ensure(length, Workers.Shared);
            for (int position = 0; position < length; position++)
            {
                float[] one = TinyModel.Gaussian(10, position, 1), other = [.. one];
                grown.Rotate(one, position);
                whole.Rotate(other, position);
                Assert.Equal(other, one);
            }
        }
    }

    [Fact]
    public void OnlyTheDistanceOfTwoPositionsCounts()
    {
        var angles = new RotaryAngles(new RopeConfig { RotarySize = 14 }, longContext: false);
        angles.Ensure(300, Workers.Shared);
        float[] query = TinyModel.Gaussian(14, 1, 1), key = TinyModel.Gaussian(14, 2, 1);
        double first = Product(20, 3);
        Assert.Equal(first, Product(117, 100), 1e-4);
        Assert.Equal(first, Product(299, 282), 1e-4);
        Assert.True(Math.Abs(first - Product(21, 3)) > 1e-3);

        double Product(int queryPosition, int keyPosition)
        {
            float[] q = [.. query], k = [.. key];
            angles.Rotate(q, queryPosition);
            angles.Rotate(k, keyPosition);
            return q.Zip(k, (x, y) => (double)x * y).Sum();
        }
    }

    [Fact]
    public void LongRopeHasOtherAnglesBehindItsOriginalContext()
    {
        var rope = new RopeConfig
        {
            RotarySize = 6, Scaling = RopeScaling.LongRope, OriginalMaxPositions = 32, ShortFactors = [1, 2, 4], LongFactors = [3, 5, 7],
        };
        var embedding = new RotaryEmbedding(rope);
        Assert.Same(embedding.Angles(1), embedding.Angles(32));
        Assert.NotSame(embedding.Angles(32), embedding.Angles(33));
        Assert.Same(embedding.Angles(33), embedding.Angles(1000));
        foreach (bool isLong in (bool[])[false, true])
        {
            double[] frequencies = RotaryAngles.Frequencies(rope, isLong);
            IReadOnlyList<double> factors = isLong ? rope.LongFactors : rope.ShortFactors;
            for (int i = 0; i < 3; i++)
                Assert.Equal(TinySpec.PlainFrequency(i, 10000, 6) / factors[i], frequencies[i], 1e-15);
        }
        var plain = new RotaryEmbedding(new RopeConfig { RotarySize = 6 });
        Assert.Same(plain.Angles(1), plain.Angles(100_000));
    }

    [Fact]
    public void LinearScalingStretchesPositions()
    {
        var plain = new RotaryAngles(new RopeConfig { RotarySize = 10 }, longContext: false);
        var scaled = new RotaryAngles(new RopeConfig { RotarySize = 10, Scaling = RopeScaling.Linear, Factor = 4 }, longContext: false);
        plain.Ensure(100, Workers.Shared);
        scaled.Ensure(400, Workers.Shared);
        foreach (int position in (int[])[0, 1, 50, 99])
        {
            float[] one = TinyModel.Gaussian(10, position, 1), other = [.. one];
            plain.Rotate(one, position);
            scaled.Rotate(other, 4 * position);
            Assert.All(one.Zip(other), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
        }
    }
}
