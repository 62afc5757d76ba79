namespace Vernier.Quantization.Allocation;

/// <summary>How the inputs of a layer are represented where its product is computed.</summary>
/// <param name="Bits">Bits of a number: 8.</param>
/// <param name="IsDynamic">Whether scales are found while the model runs; otherwise they are stored.</param>
public sealed record ActivationSpec(int Bits, bool IsDynamic)
{
    /// <summary>Integers of 8 bits with a scale for each row, found while the model runs: what all kernels take.</summary>
    public static ActivationSpec DynamicInt8 { get; } = new(8, IsDynamic: true);
}
