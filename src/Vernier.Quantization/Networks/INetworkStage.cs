using Vernier.Packing;

namespace Vernier.Quantization.Networks;

/// <summary>A stage of a network in memory. The samples have to wait in front of it.</summary>
internal interface INetworkStage
{
    /// <summary>Its groups of linear layers, in the order in which they are applied.</summary>
    IReadOnlyList<LayerGroup> Groups { get; }

    /// <summary>
    /// Shows the input of a group for one batch. The layers of the group and those after it are not applied; whatever an observer throws,
    /// they are in their places again
    /// when it returns.
    /// </summary>
    /// <param name="group">One of <see cref="Groups"/>.</param>
    /// <param name="batch">From 0.</param>
    /// <param name="observers">Who looks, in this order.</param>
    void Observe(LayerGroup group, int batch, IReadOnlyList<IActivationObserver> observers);

    /// <summary>Puts a quantized layer in the place of one; its bias, if it has one, stays.</summary>
    /// <param name="layer">The name of its weight.</param>
    /// <param name="weight">The quantized weight.</param>
    void Replace(string layer, PackedMatrix weight);

    /// <summary>Moves all samples behind the stage.</summary>
    /// <param name="cancellation">Stops between two batches; the samples are then of no use any more.</param>
    void Advance(CancellationToken cancellation = default);
}
