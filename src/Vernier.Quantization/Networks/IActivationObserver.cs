namespace Vernier.Quantization.Networks;

/// <summary>
/// Looks at the inputs of linear layers while a network runs on samples: to add up a Gram matrix, to keep rows, to find the range of
/// activations. A run tells it of
/// all rows of a group before those of the next group, each sample at most once for a group, always in the same order.
/// </summary>
public interface IActivationObserver
{
    /// <summary>Shows the next rows that come into a group of layers.</summary>
    /// <param name="input">The rows.</param>
    void Observe(in GroupInput input);
}
