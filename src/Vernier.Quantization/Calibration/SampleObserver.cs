using Vernier.Quantization.Networks;

namespace Vernier.Quantization.Calibration;

/// <summary>Keeps inputs of one group of layers at even distances among all that it sees.</summary>
/// <param name="rows">The most rows that will be shown.</param>
/// <param name="count">The most that are kept.</param>
internal sealed class SampleObserver(long rows, int count) : IActivationObserver
{
    private readonly long _stride = Math.Max(1, (rows + count - 1) / count);
    private readonly List<float> _kept = [];
    private long _seen;

    /// <summary>The kept inputs, n x C.</summary>
    public float[] ToArray() => [.. _kept];

    /// <inheritdoc/>
    public void Observe(in GroupInput input)
    {
        for (int row = 0; row < input.Rows; row++, _seen++)
        {
            if (_seen % _stride == 0)
                _kept.AddRange(input.Row(row));
        }
    }
}
