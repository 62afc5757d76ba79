namespace Vernier.Files;

/// <summary>The element types a tensor in a file can have, by their safetensors names.</summary>
public enum ElementType
{
    /// <summary>One byte: 0 is false, everything else true.</summary>
    BOOL,

    /// <summary>4-bit float, 2 exponent bits and 1 mantissa bit, two to a byte.</summary>
    F4,

    /// <summary>6-bit float, 2 exponent and 3 mantissa bits, four to three bytes.</summary>
    F6_E2M3,

    /// <summary>6-bit float, 3 exponent and 2 mantissa bits, four to three bytes.</summary>
    F6_E3M2,

    /// <summary>Unsigned 8-bit integer.</summary>
    U8,

    /// <summary>Signed 8-bit integer.</summary>
    I8,

    /// <summary>8-bit float, 5 exponent and 2 mantissa bits, bias 15, with infinities.</summary>
    F8_E5M2,

    /// <summary>8-bit float, 4 exponent and 3 mantissa bits, bias 7, no infinities, NaN 0x7F and 0xFF.</summary>
    F8_E4M3,

    /// <summary>8-bit scale 2^(x - 127), NaN 0xFF.</summary>
    F8_E8M0,

    /// <summary>As <see cref="F8_E4M3"/> with bias 8, NaN 0x80 and nothing else special.</summary>
    F8_E4M3FNUZ,

    /// <summary>As <see cref="F8_E5M2"/> with bias 16, NaN 0x80 and nothing else special.</summary>
    F8_E5M2FNUZ,

    /// <summary>Unsigned 16-bit integer.</summary>
    U16,

    /// <summary>Signed 16-bit integer.</summary>
    I16,

    /// <summary>IEEE half precision.</summary>
    F16,

    /// <summary>The upper half of an IEEE single.</summary>
    BF16,

    /// <summary>Unsigned 32-bit integer.</summary>
    U32,

    /// <summary>Signed 32-bit integer.</summary>
    I32,

    /// <summary>IEEE single precision.</summary>
    F32,

    /// <summary>Complex number of two IEEE singles, the real part first.</summary>
    C64,

    /// <summary>Unsigned 64-bit integer.</summary>
    U64,

    /// <summary>Signed 64-bit integer.</summary>
    I64,

    /// <summary>IEEE double precision.</summary>
    F64,
}

/// <summary>Facts about element types.</summary>
public static class ElementTypeExtensions
{
    /// <summary>The size of one element in bits: 4, 6, 8, 16, 32 or 64.</summary>
    public static int Bits(this ElementType type) => type switch
    {
        ElementType.F4 => 4,
        ElementType.F6_E2M3 or ElementType.F6_E3M2 => 6,
        ElementType.BOOL or ElementType.U8 or ElementType.I8 or ElementType.F8_E5M2 or ElementType.F8_E4M3
            or ElementType.F8_E8M0 or ElementType.F8_E4M3FNUZ or ElementType.F8_E5M2FNUZ => 8,
        ElementType.U16 or ElementType.I16 or ElementType.F16 or ElementType.BF16 => 16,
        ElementType.U32 or ElementType.I32 or ElementType.F32 => 32,
        ElementType.C64 or ElementType.U64 or ElementType.I64 or ElementType.F64 => 64,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "This is not an element type."),
    };

    /// <summary>The size of one element in bytes: 1, 2, 4 or 8.</summary>
    /// <exception cref="NotSupportedException">
    /// The element takes no whole number of bytes (F4, F6_E2M3, F6_E3M2); see <see cref="Bits"/>.
    /// </exception>
    public static int Size(this ElementType type) => type.Bits() is var bits && bits % 8 == 0
        ? bits / 8
        : throw new NotSupportedException($"An element of type {type} takes {bits} bits, which are no whole bytes.");

    /// <summary>Whether the element is a real number that a network may have been trained in: F64, F32, F16 or BF16.</summary>
    public static bool IsFloat(this ElementType type) =>
        type is ElementType.F64 or ElementType.F32 or ElementType.F16 or ElementType.BF16;
}
