namespace Vernier.Quantization.Calibration;

/// <summary>Inputs of a layer at even distances among all its tokens.</summary>
/// <param name="columns">The number of input channels.</param>
/// <param name="tokens">The tokens that will be shown.</param>
/// <param name="count">The most that are kept.</param>
internal sealed class InputSample(int columns, long tokens, int count)
{
    private readonly long _stride = Math.Max(1, (tokens + count - 1) / count);
    private readonly List<float> _kept = [];
    private long _seen;

    /// <summary>The kept inputs, n x columns.</summary>
    public float[] ToArray() => [.. _kept];

    /// <summary>Shows the next tokens, rows x columns.</summary>
    public void Add(ReadOnlySpan<float> x, int rows)
    {
        for (int row = 0; row < rows; row++, _seen++)
        {
            if (_seen % _stride == 0)
                _kept.AddRange(x.Slice(row * columns, columns));
        }
    }
}
