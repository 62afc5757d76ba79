using Vernier.Files;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Allocation;

/// <summary>A tensor that a format is chosen for.</summary>
/// <param name="Tensor">The tensor.</param>
/// <param name="Role">What it is in the network.</param>
/// <param name="Format">The format that recipe and options give it; null where it stays as it is.</param>
public sealed record TensorCandidate(TensorInfo Tensor, TensorRole Role, TensorFormat? Format);

/// <summary>Gives each tensor its format: how many bits, on which grid. Without one all have the format of the recipe.</summary>
public interface IAllocator
{
    /// <summary>Chooses the formats of a network.</summary>
    /// <param name="tensors">All tensors, in the order of the checkpoint.</param>
    /// <returns>For each of them its format, null where it is to stay as it is. A tensor without a format can't be given one.</returns>
    IReadOnlyList<TensorFormat?> Allocate(IReadOnlyList<TensorCandidate> tensors);
}
