using Vernier.Packing.Scalar;

namespace Vernier.Kernels;

/// <summary>The arrays of a matrix of a scalar layout but for its codes.</summary>
/// <param name="Spec">How it is packed.</param>
/// <param name="Scales">[scale rows, granules].</param>
/// <param name="Zeros">Packed zero points, or empty.</param>
internal sealed record PackedScales(ScalarLayout Spec, ReadOnlyMemory<Half> Scales, ReadOnlyMemory<byte> Zeros);
