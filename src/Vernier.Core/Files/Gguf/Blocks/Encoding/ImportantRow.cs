using System.Numerics;
using Vernier.Memory;

namespace Vernier.Files.Gguf.Blocks.Encoding;

/// <summary>The importance of the weights x of a row that ggml makes of an importance matrix's numbers h: h sqrt(mean x^2 + x^2).</summary>
internal readonly ref struct ImportantRow
{
    private readonly PooledArray<float> _weights;

    public ImportantRow(ReadOnlySpan<float> x, ReadOnlySpan<float> importance)
    {
        _weights = new PooledArray<float>(x.Length);
        Fill(x, importance, SquareSum(x) / x.Length, _weights.Span);
    }

    /// <summary>One number for each weight.</summary>
    public ReadOnlySpan<float> Weights => _weights.Span;

    /// <summary>The sum of x^2, from the first to the last in single precision.</summary>
    public static float SquareSum(ReadOnlySpan<float> x)
    {
        float sum = 0;
        foreach (float value in x)
            sum += value * value;
        return sum;
    }

    /// <summary>h sqrt(variance + x^2).</summary>
    public static void Fill(ReadOnlySpan<float> x, ReadOnlySpan<float> importance, float variance, Span<float> weights)
    {
        int i = 0;
        for (; i + Vector<float>.Count <= x.Length; i += Vector<float>.Count)
        {
            var value = new Vector<float>(x[i..]);
            (new Vector<float>(importance[i..]) * Vector.SquareRoot(new Vector<float>(variance) + value * value)).CopyTo(weights[i..]);
        }
        for (; i < x.Length; i++)
            weights[i] = importance[i] * MathF.Sqrt(variance + x[i] * x[i]);
    }

    public void Dispose() => _weights.Dispose();
}
