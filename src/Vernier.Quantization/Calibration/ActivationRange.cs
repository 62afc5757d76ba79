using System.Numerics.Tensors;

namespace Vernier.Quantization.Calibration;

/// <summary>The least and the largest value of each input channel of a layer, on all samples that were shown.</summary>
public sealed class ActivationRange
{
    private readonly float[] _minimum;
    private readonly float[] _maximum;

    internal ActivationRange(int columns)
    {
        _minimum = new float[columns];
        _maximum = new float[columns];
        Array.Fill(_minimum, float.PositiveInfinity);
        Array.Fill(_maximum, float.NegativeInfinity);
    }

    /// <summary>The number of rows that were shown.</summary>
    public long Rows { get; private set; }

    /// <summary>The least value of each channel; infinity before the first row.</summary>
    public ReadOnlySpan<float> ChannelMinimum => _minimum;

    /// <summary>The largest value of each channel; minus infinity before the first row.</summary>
    public ReadOnlySpan<float> ChannelMaximum => _maximum;

    /// <summary>The least value of all channels; NaN where one was NaN.</summary>
    public float Minimum => TensorPrimitives.Min<float>(_minimum);

    /// <summary>The largest value of all channels; NaN where one was NaN.</summary>
    public float Maximum => TensorPrimitives.Max<float>(_maximum);

    /// <summary>The largest magnitude of all channels: max |x|.</summary>
    public float Magnitude => Math.Max(Math.Abs(Minimum), Math.Abs(Maximum));

    internal void Add(ReadOnlySpan<float> row)
    {
        TensorPrimitives.Min(_minimum, row, _minimum);
        TensorPrimitives.Max(_maximum, row, _maximum);
        Rows++;
    }
}
