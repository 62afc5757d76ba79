using System.Globalization;
using Vernier.Kernels;
using Vernier.Levels;
using Vernier.Numerics;
using Vernier.Packing;
using Vernier.Packing.Scalar;

namespace Vernier.Tests.Kernels;

[UsesInstructions]
public class LMulTests
{
    private static readonly float[] s_awkward =
        [0, -0f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.Epsilon, -float.Epsilon, 1.17549421e-38f, 1.17549435e-38f,
        float.MaxValue, float.MinValue, 1, -1, 1e-20f, 1e20f, 1.875f, -1.9375f];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(9)]
    public void SumsOfBitPatternsAreTheFormulaBitForBit(int m)
    {
        int l = m <= 3 ? m : m == 4 ? 3 : 4, count = 1 << m;
        Assert.Equal(l, LMul.Offset(m));
        for (int i = 0; i < count * count; i++)
        {
            double xm = (double)(i / count) / count, ym = (double)(i % count) / count, f = xm + ym + Math.ScaleB(1, -l);
            int ex = i % 37 - 18, ey = i % 23 - 11, sign = i % 3 == 0 ? -1 : 1;
            float x = (float)(sign * Math.ScaleB(1 + xm, ex)), y = (float)Math.ScaleB(1 + ym, ey);
            Assert.Equal((float)(sign * Math.ScaleB(1 + f, ex + ey)), LMul.Multiply(x, y, m));
            double into = f < 1 ? 1 + f : f < 2 ? 2 * f : 4 * (f - 1);
            Assert.Equal((float)(sign * Math.ScaleB(into, ex + ey)), LMul.Multiply(x, y, m, LMulCarry.IntoExponent));
            // And that is the sum of the patterns, as integers.
            int bits = (BitConverter.SingleToInt32Bits(x) & int.MaxValue) + (BitConverter.SingleToInt32Bits(y) & int.MaxValue) - (127 << 23)
                + (1 << (23 - l));
            Assert.Equal(BitConverter.Int32BitsToSingle(bits), Math.Abs(LMul.Multiply(x, y, m, LMulCarry.IntoExponent)));
        }
    }

    [Theory]
    [InlineData(3, -0.06640625, 0.0689, 0.183)]
    [InlineData(4, -0.0947265625, 0.0694, 0.201)]
    public void TheErrorFiguresAreThoseOfThePaper(int m, double signed, double relative, double largest)
    {
        int count = 1 << m;
        double sum = 0, absolute = 0, most = 0;
        for (int i = 0; i < count * count; i++)
        {
            float x = 1 + (float)(i / count) / count, y = 1 + (float)(i % count) / count;
            double error = LMul.Multiply(x, y, m) - (double)x * y;
            sum += error;
            absolute += Math.Abs(error) / ((double)x * y);
            most = Math.Max(most, Math.Abs(error) / ((double)x * y));
        }
        Assert.Equal(signed, sum / (count * count), 1e-12);
        Assert.Equal(Math.ScaleB(1, -LMul.Offset(m)) - Math.Pow((1 - Math.ScaleB(1, -m)) / 2, 2), signed, 1e-12);
        Assert.Equal(relative, absolute / (count * count), 1e-4);
        Assert.Equal(largest, most, 1e-3);
    }

    [Theory]
    [InlineData(5, 2, ReservedCodes.LastExponent)]
    [InlineData(4, 3, ReservedCodes.LastCode)]
    [InlineData(2, 1, ReservedCodes.None)]
    public void OfEightBitsAndFewerAllPairsAreTheFormula(int e, int m, ReservedCodes reserved)
    {
        int bias = (1 << (e - 1)) - 1, l = LMul.Offset(m), codes = 1 << (1 + e + m);
        double largest = new MinifloatFormat(e, m, reserved).Largest * Math.ScaleB(1, 1 - bias - m), least = Math.ScaleB(1, 1 - bias);
        for (uint x = 0; x < codes; x++)
        {
            for (uint y = 0; y < codes; y++)
            {
                double a = Decode(x), b = Decode(y), actual = Decode(LMul.Multiply(x, y, e, m, reserved)), expected;
                if (!double.IsFinite(a) || !double.IsFinite(b) || Math.Abs(a) < least || Math.Abs(b) < least)
                {
                    // A subnormal number counts as a zero of its sign.
                    expected = (double.IsFinite(a) && Math.Abs(a) < least ? Math.CopySign(0, a) : a)
                        * (double.IsFinite(b) && Math.Abs(b) < least ? Math.CopySign(0, b) : b);
                }
                else
                {
                    int exponent = Math.ILogB(a) + Math.ILogB(b);
                    double f = Math.Abs(a) / Math.ScaleB(1, Math.ILogB(a)) - 1 + Math.Abs(b) / Math.ScaleB(1, Math.ILogB(b)) - 1
                        + Math.ScaleB(1, -l), whole = Math.ScaleB(1 + f, exponent);
                    // The bit that a carry pushes out is dropped.
                    double step = Math.ScaleB(1, Math.ILogB(whole) - m);
                    whole = Math.Floor(whole / step) * step;
                    expected = Math.CopySign(whole < least ? 0 : whole > largest
                        ? (reserved == ReservedCodes.LastExponent ? double.PositiveInfinity : largest) : whole, a * b);
                }
                Assert.True(expected.Equals(actual) && (double.IsNaN(expected) || double.IsNegative(expected) == double.IsNegative(actual)),
                    string.Create(CultureInfo.InvariantCulture, $"{a} {b}: {actual}, not {expected}"));
            }
        }

        double Decode(uint pattern)
        {
            int exponent = (int)(pattern >> m) & ((1 << e) - 1), mantissa = (int)pattern & ((1 << m) - 1), top = (1 << e) - 1;
            double sign = pattern >> (e + m) == 1 ? -1 : 1;
            if (reserved == ReservedCodes.LastExponent && exponent == top)
                return mantissa == 0 ? sign * double.PositiveInfinity : double.NaN;
            if (reserved == ReservedCodes.LastCode && exponent == top && mantissa == (1 << m) - 1)
                return double.NaN;
            return sign * (exponent == 0 ? Math.ScaleB(mantissa, 1 - bias - m) : Math.ScaleB((1 << m) + mantissa, exponent - bias - m));
        }
    }

    [Fact]
    public void OfSixteenBitsTheProductIsThatOfSinglePrecisionButForTheBitThatIsDropped()
    {
        var random = new Random(1);
        for (int i = 0; i < 20_000; i++)
        {
            uint x = (uint)random.Next(1 << 16), y = (uint)random.Next(1 << 16);
            float wide = LMul.Multiply(BitConverter.UInt32BitsToSingle(x << 16), BitConverter.UInt32BitsToSingle(y << 16), 7);
            uint narrow = LMul.Multiply(x, y, 8, 7, ReservedCodes.LastExponent);
            Assert.Equal(float.IsNaN(wide), float.IsNaN(BitConverter.UInt32BitsToSingle(narrow << 16)));
            if (!float.IsNaN(wide))
                Assert.Equal(BitConverter.SingleToUInt32Bits(wide) >> 16, narrow);
        }
    }

    [Fact]
    public void ZerosSubnormalsAndOverflowAreHandled()
    {
        Assert.Equal(0u, BitConverter.SingleToUInt32Bits(LMul.Multiply(0, 5, 4)));
        Assert.Equal(1u << 31, BitConverter.SingleToUInt32Bits(LMul.Multiply(-0f, 5, 4)));
        Assert.Equal(0, LMul.Multiply(float.Epsilon, 1e30f, 4));
        Assert.Equal(0, LMul.Multiply(1e-30f, 1e-30f, 4));
        Assert.Equal(float.PositiveInfinity, LMul.Multiply(-1e30f, -1e30f, 4));
        Assert.Equal(float.NegativeInfinity, LMul.Multiply(float.PositiveInfinity, -2, 4));
        Assert.True(float.IsNaN(LMul.Multiply(float.PositiveInfinity, 0, 4)));
        Assert.True(float.IsNaN(LMul.Multiply(float.NaN, 0, 4)));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(10)]
    public void RoundingIsToTheNearestOfItsBitsTiesToEven(int m)
    {
        var random = new Random(m);
        Assert.Equal(1f, LMul.Round(1 + MathF.ScaleB(1, -m - 1), m));
        Assert.Equal(1 + MathF.ScaleB(1, 1 - m), LMul.Round(1 + MathF.ScaleB(3, -m - 1), m));
        Assert.True(float.IsNaN(LMul.Round(float.NaN, m)));
        for (int i = 0; i < 5000; i++)
        {
            double x = (float)((random.NextDouble() - 0.5) * Math.ScaleB(1, random.Next(-60, 60)));
            double step = Math.ScaleB(1, Math.ILogB(x) - m);
            Assert.Equal(Math.Round(x / step) * step, LMul.Round((float)x, m));
        }
    }

    [Fact]
    public void TheDotProductIsTheSumOfTheProductsAtEveryLength()
    {
        var random = new Random(2);
        for (int length = 0; length <= 256; length++)
        {
            // Awkward numbers in some place of the register; whole exponents, so that sums are exact.
            float[] x = [.. Enumerable.Range(0, length).Select(_ => LMul.Round((float)(random.NextDouble() - 0.5), 4))],
                y = [.. Enumerable.Range(0, length).Select(_ => LMul.Round((float)(random.NextDouble() - 0.5), 4))];
            double expected = x.Zip(y, (a, b) => (double)LMul.Multiply(a, b, 4)).Sum();
            Assert.Equal(expected, LMul.Dot(x, y, 4), 1e-4);
        }
        foreach (float a in s_awkward)
        {
            foreach (float b in s_awkward)
            {
                for (int place = 0; place < 20; place++)
                {
                    float[] x = new float[20], y = new float[20];
                    (x[place], y[place]) = (LMul.Round(a, 4), LMul.Round(b, 4));
                    Assert.Equal(LMul.Multiply(x[place], y[place], 4) + 0f, LMul.Dot(x, y, 4));
                }
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public void TheProductOfAMatrixIsThatOfItsRoundedWeightsOnAnyNumberOfThreads(int tokens)
    {
        ScalarMatrix weight = RandomPacked.Create(new Random(3), 37, 101, 4, Granularity.Group(64), "power");
        Half[] scales = [.. weight.Scales.ToArray().Select(scale => Half.Abs(scale) > Half.One ? Half.One : scale)];
        weight = new ScalarMatrix(weight.Spec, weight.Grids, scales, [], weight.Codes);
        var random = new Random(tokens);
        float[] x = [.. Enumerable.Range(0, tokens * 101).Select(_ => (float)(random.NextDouble() - 0.5))], row = new float[101];
        float[][] results = [.. ((int[])[1, 3]).Select(count =>
        {
            using var workers = new Workers(count);
            float[] result = new float[tokens * 37];
            LMulProduct.Multiply(x, tokens, weight, result, workers);
            return result;
        })];
        Assert.Equal(results[0], results[1]);
        for (int r = 0; r < 37; r++)
        {
            weight.DequantizeRow(r, row);
            for (int t = 0; t < tokens; t++)
                Assert.Equal(Enumerable.Range(0, 101).Sum(
                    i => (double)LMul.Multiply(LMul.Round(x[t * 101 + i], 4), LMul.Round(row[i], 4), 4)), results[0][t * 37 + r], 1e-4);
        }
    }
}
