namespace Vernier.Packing;

/// <summary>The power of two that all numbers of a matrix have in common.</summary>
internal static class MatrixUnit
{
    /// <summary>Whether a number is one: positive, a power of two, in the normal range.</summary>
    public static bool IsValid(float unit) => unit > 0 && float.IsNormal(unit) && (BitConverter.SingleToUInt32Bits(unit) & 0x7FFFFF) == 0;

    /// <summary>Refuses others.</summary>
    /// <exception cref="ArgumentException">The unit is no power of two.</exception>
    public static void Check(float unit)
    {
        if (!IsValid(unit))
            throw new ArgumentException("the unit must be a power of two in the normal range", nameof(unit));
    }
}
