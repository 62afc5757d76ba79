using Vernier.Quantization.Networks;

namespace Vernier.Quantization.Calibration;

/// <summary>
/// Finds the range of the inputs of linear layers, as a run with activations of fixed scales needs them. Give it to a run, and look at
/// <see cref="Ranges"/> afterwards.
/// </summary>
public sealed class RangeObserver : IActivationObserver
{
    private readonly Dictionary<string, ActivationRange> _ranges = new(StringComparer.Ordinal);

    /// <summary>The range of the input of each layer by the name of its weight; layers with the same input share one.</summary>
    public IReadOnlyDictionary<string, ActivationRange> Ranges => _ranges;

    /// <inheritdoc/>
    public void Observe(in GroupInput input)
    {
        if (!_ranges.TryGetValue(input.Group.Name, out ActivationRange? range))
        {
            range = new ActivationRange(input.Columns);
            foreach (LayerShape layer in input.Group.Layers)
                _ranges.Add(layer.Name, range);
        }
        for (int row = 0; row < input.Rows; row++)
            range.Add(input.Row(row));
    }
}
