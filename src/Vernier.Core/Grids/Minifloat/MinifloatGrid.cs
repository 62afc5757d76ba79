using Vernier.Levels;

namespace Vernier.Grids.Minifloat;

/// <summary>
/// The levels of a minifloat: its magnitudes with both signs, zero once. Levels are whole numbers of the smallest positive one, such as 0,
/// 1, 2, 3, 4, 6, 8, 12 for
/// E2M1, and integers where they fit in 16 bits; where not, floats of the range -1 .. 1. Rounding is to the nearest number, ties to the
/// even mantissa.
/// <para>A. Kuzmin, M. van Baalen, Y. Ren, M. Nagel, J. Peters, T. Blankevoort: FP8 quantization: the power of the exponent, 2022, for the
/// flexible bias. OCP
/// Microscaling Formats specification 1.0 for the formats that have names.</para>
/// </summary>
public static class MinifloatGrid
{
    /// <summary>Whether the levels of a format fit in 8 bits.</summary>
    public static bool FitsInSByte(MinifloatFormat format) => format.Largest <= sbyte.MaxValue;

    /// <summary>Whether the levels of a format are too far apart for integers of 16 bits.</summary>
    public static bool IsFloat(MinifloatFormat format) => format.Largest > short.MaxValue;

    /// <summary>Builds the table.</summary>
    /// <param name="format">The format, of 2 to 8 bits.</param>
    /// <exception cref="ArgumentOutOfRangeException">The format has no exponent, or not 2 to 8 bits.</exception>
    public static LevelTable Create(MinifloatFormat format)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(format.ExponentBits, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(format.MantissaBits);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(format.Bits, 8);
        double[] magnitudes = format.Magnitudes();
        double[] levels = [.. magnitudes.Skip(1).Reverse().Select(magnitude => -magnitude), .. magnitudes];
        int exponent = Math.ILogB(magnitudes[^1]) + (Math.ScaleB(1, Math.ILogB(magnitudes[^1])) < magnitudes[^1] ? 1 : 0);
        return IsFloat(format)
            ? LevelTable.OfFloats(format.Bits, Array.ConvertAll(levels, level => (float)Math.ScaleB(level, -exponent)), 1)
            : new LevelTable(format.Bits, Array.ConvertAll(levels, level => (short)level), MathF.ScaleB(1, -exponent), exponent: 1);
    }
}
