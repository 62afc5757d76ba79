namespace Vernier.Inference;

/// <summary>How products with packed weights are computed.</summary>
public enum PackedArithmetic
{
    /// <summary>Activations rounded to 8 bits, integer sums: the fast way. See <see cref="Vernier.Kernels.PreparedWeight"/>.</summary>
    Integer,

    /// <summary>Weights turned back into single precision, and float products: what the integer way is measured against.</summary>
    Float,
}
