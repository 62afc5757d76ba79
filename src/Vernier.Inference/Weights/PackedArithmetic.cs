namespace Vernier.Inference.Weights;

/// <summary>How products with packed weights are computed.</summary>
public enum PackedArithmetic
{
    /// <summary>Activations rounded to 8 bits, integer sums: the fast way. See <see cref="Vernier.Kernels.PreparedWeight"/>.</summary>
    Integer,

    /// <summary>Weights turned back into single precision, and float products: what the integer way is measured against.</summary>
    Float,

    /// <summary>
    /// Weights and activations rounded to four bits of mantissa, and products by L-Mul, which adds bit patterns: slow here, for measuring
    /// what it does to a model. See
    /// <see cref="Vernier.Kernels.LMulProduct"/>.
    /// </summary>
    LMul,
}
