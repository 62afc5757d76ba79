using Vernier.Grids.Specs;
using Vernier.Packing;

namespace Vernier.Quantization.Allocation;

/// <summary>The format of a quantized tensor.</summary>
/// <param name="Grid">Its grid.</param>
/// <param name="Bits">Bits of a code, 2 to 8; where the grid says them, its own.</param>
/// <param name="Granularity">Which weights share a scale; where the grid says it, its own.</param>
public sealed record TensorFormat(GridSpec Grid, int Bits, Granularity Granularity)
{
    /// <summary>How the inputs of the layer are represented. Default integers of 8 bits, found while the model runs.</summary>
    public ActivationSpec Activation { get; init; } = ActivationSpec.DynamicInt8;
}
