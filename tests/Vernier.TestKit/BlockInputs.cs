namespace Vernier.TestKit;

/// <summary>Rows of weights that encoders find easy or hard.</summary>
public static class BlockInputs
{
    private static readonly float[] s_sizes = [1e-6f, 1e-5f, 1e-4f, 1e-3f, 1e-2f, 0.1f, 1, 10, 100];

    /// <summary>Rows of finite weights, each with its name.</summary>
    /// <param name="columns">The weights of a row.</param>
    /// <param name="seed">Chooses the random ones.</param>
    public static IEnumerable<(string Name, float[] Row)> Finite(int columns, int seed)
    {
        var random = new Random(seed);
        float[] Row(Func<int, float> weight) => [.. Enumerable.Range(0, columns).Select(weight)];
        yield return ("gaussian", Row(_ => Gaussian(random)));
        yield return ("small gaussian", Row(_ => 0.02f * Gaussian(random)));
        yield return ("student", Row(_ => Student(random)));
        yield return ("shifted", Row(_ => 3 + Gaussian(random)));
        yield return ("positive", Row(_ => MathF.Abs(Gaussian(random))));
        yield return ("negative", Row(_ => -MathF.Abs(Gaussian(random))));
        yield return ("tiny", Row(_ => 1e-30f * Gaussian(random)));
        yield return ("small", Row(_ => 1e-8f * Gaussian(random)));
        yield return ("subnormal", Row(_ => 1e-41f * Gaussian(random)));
        yield return ("huge", Row(_ => 1e30f * Gaussian(random)));
        yield return ("large", Row(_ => 1e4f * Gaussian(random)));
        yield return ("one outlier", Row(i => i == columns / 3 ? 1000 : 0.01f * Gaussian(random)));
        yield return ("outlier by block", Row(i => i % 37 == 5 ? -50 * Gaussian(random) : Gaussian(random)));
        yield return ("blocks of different size", Row(i => s_sizes[i / 16 % s_sizes.Length] * Gaussian(random)));
        yield return ("constant", Row(_ => 0.7f));
        yield return ("negative constant", Row(_ => -0.3f));
        yield return ("constant by sub-block", Row(i => i / 16 % 5 - 2));
        yield return ("zero", Row(_ => 0));
        yield return ("negative zero", Row(i => i % 3 == 0 ? -0f : 0));
        yield return ("half zero", Row(i => i / 32 % 2 == 0 ? 0 : Gaussian(random)));
        yield return ("sparse", Row(_ => random.Next(8) == 0 ? Gaussian(random) : 0));
        yield return ("signs", Row(_ => random.Next(2) == 0 ? -0.5f : 0.5f));
        yield return ("ternary", Row(_ => 0.25f * random.Next(-1, 2)));
        yield return ("integers", Row(_ => random.Next(-8, 8)));
        yield return ("half-way", Row(_ => random.Next(-17, 17) * 0.5f));
        yield return ("powers of two", Row(_ => MathF.ScaleB(random.Next(2) == 0 ? 1 : -1, random.Next(-6, 3))));
        yield return ("just below powers of two", Row(_ => MathF.BitDecrement(MathF.ScaleB(1, random.Next(-6, 3)))));
        yield return ("ascending", Row(i => i / (float)columns));
        yield return ("bfloat16",
            Row(_ => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(Gaussian(random)) & 0xFFFF0000)));
    }

    /// <summary>Rows with what is no number or infinite.</summary>
    public static IEnumerable<(string Name, float[] Row)> NotFinite(int columns, int seed)
    {
        var random = new Random(seed);
        float[] Row(Func<int, float> weight) => [.. Enumerable.Range(0, columns).Select(weight)];
        yield return ("one NaN", Row(i => i == columns / 2 ? float.NaN : Gaussian(random)));
        yield return ("many NaN", Row(_ => random.Next(4) == 0 ? float.NaN : Gaussian(random)));
        yield return ("all NaN", Row(_ => float.NaN));
        yield return ("one infinity", Row(i => i == columns / 2 ? float.PositiveInfinity : Gaussian(random)));
        yield return ("infinities", Row(_ => random.Next(3)
            switch { 0 => float.NegativeInfinity, 1 => float.PositiveInfinity, _ => Gaussian(random) }));
        yield return ("largest", Row(_ => random.Next(2) == 0 ? float.MaxValue : float.MinValue));
        yield return ("bits", Row(_ => BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue))));
    }

    /// <summary>Importance as an importance matrix has it: mean squares of activations, some of them zero.</summary>
    public static float[] Importance(int columns, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, columns).Select(
            _ => random.Next(20) == 0 ? 0 : MathF.Abs(Gaussian(random) * Gaussian(random) * Gaussian(random)))];
    }

    // Sums and products alone, which are the same on every machine.
    private static float Gaussian(Random random)
    {
        float sum = -6;
        for (int i = 0; i < 12; i++)
            sum += random.NextSingle();
        return sum;
    }

    // Three degrees of freedom.
    private static float Student(Random random)
    {
        float square = 0;
        for (int i = 0; i < 3; i++)
        {
            float x = Gaussian(random);
            square += x * x;
        }
        return Gaussian(random) / MathF.Sqrt(square / 3);
    }
}
