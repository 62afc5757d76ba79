using Vernier.Quantization.Networks;

namespace Vernier.Tests.Peaks;

/// <summary>An observer that src/ does not have: of each group of layers the largest magnitude in each input channel, and the samples
/// seen.</summary>
public sealed class PeakObserver : IActivationObserver
{
    private readonly Dictionary<string, float[]> _peaks = [];
    private readonly Dictionary<string, List<SampleId>> _samples = [];

    /// <summary>By the name of a group, the largest magnitude of each channel.</summary>
    public IReadOnlyDictionary<string, float[]> Peaks => _peaks;

    /// <summary>By the name of a group, the samples in the order in which they came.</summary>
    public IReadOnlyDictionary<string, List<SampleId>> Samples => _samples;

    public void Observe(in GroupInput input)
    {
        if (!_peaks.TryGetValue(input.Group.Name, out float[]? peaks))
            (_peaks[input.Group.Name], _samples[input.Group.Name]) = (peaks = new float[input.Columns], []);
        _samples[input.Group.Name].AddRange(input.Ids);
        for (int row = 0; row < input.Rows; row++)
        {
            ReadOnlySpan<float> values = input.Row(row);
            for (int i = 0; i < peaks.Length; i++)
                peaks[i] = Math.Max(peaks[i], Math.Abs(values[i]));
        }
    }
}
