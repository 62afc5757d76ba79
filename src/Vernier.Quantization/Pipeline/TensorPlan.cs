using System.Diagnostics.CodeAnalysis;
using Vernier.Files;
using Vernier.Packing;
using Vernier.Quantization.Allocation;
using Vernier.Quantization.Weights;

namespace Vernier.Quantization.Pipeline;

/// <summary>What happens to one tensor.</summary>
/// <param name="Tensor">The tensor.</param>
/// <param name="Role">What it is in the network.</param>
/// <param name="Format">Its grid, bits, granularity and activation; null where it stays as it is.</param>
/// <param name="Layout">How it is packed; null where it stays as it is.</param>
public sealed record TensorPlan(TensorInfo Tensor, TensorRole Role, TensorFormat? Format, PackedLayout? Layout)
{
    /// <summary>Its name.</summary>
    public string Name => Tensor.Name;

    /// <summary>Whether it is packed.</summary>
    [MemberNotNullWhen(true, nameof(Format), nameof(Layout))]
    public bool IsQuantized => Layout is not null;
}
