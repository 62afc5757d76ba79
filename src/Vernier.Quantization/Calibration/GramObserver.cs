using Vernier.Numerics;
using Vernier.Quantization.Networks;

namespace Vernier.Quantization.Calibration;

/// <summary>Adds up the Gram matrix of the input of one group of layers.</summary>
/// <param name="columns">C.</param>
/// <param name="workers">Who adds up.</param>
internal sealed class GramObserver(int columns, Workers workers) : IActivationObserver
{
    /// <summary>The sum so far.</summary>
    public GramMatrix Gram { get; } = new(columns, workers);

    /// <inheritdoc/>
    public void Observe(in GroupInput input) => Gram.Add(input.Values, input.Rows);
}
