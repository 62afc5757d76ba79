using Vernier.Grids.Power;
using Vernier.Levels;

namespace Vernier.Grids.Codebook;

/// <summary>
/// A learned scalar codebook: any 2^b numbers, in fixed point. The largest becomes <see cref="PowerGrid.FixedPointOne"/>, 127 up to six
/// bits and 32767 above, so that
/// the same kernels run it.
/// </summary>
public static class CodebookGrid
{
    /// <summary>Builds the table.</summary>
    /// <param name="bits">2 to 8.</param>
    /// <param name="values">2^bits finite numbers in any order; at least one is not 0.</param>
    /// <param name="unit">Receives what the values have to be divided by, and scales multiplied by, so that a value is again scale times
    /// the table's.</param>
    /// <exception cref="ArgumentException">There are not 2^bits numbers, one is not finite, or all are 0.</exception>
    public static LevelTable Create(int bits, ReadOnlySpan<double> values, out double unit)
    {
        if (values.Length != 1 << bits)
            throw new ArgumentException($"{values.Length} numbers are not the {1 << bits} of {bits} bits", nameof(values));
        double[] sorted = values.ToArray();
        Array.Sort(sorted);
        double largest = Math.Max(-sorted[0], sorted[^1]);
        if (!double.IsFinite(sorted[0]) || !double.IsFinite(sorted[^1]) || largest == 0)
            throw new ArgumentException("a codebook holds finite numbers that are not all 0", nameof(values));
        int one = PowerGrid.FixedPointOne(bits);
        unit = largest * (one + 1) / one;
        var levels = new short[sorted.Length];
        for (int i = 0; i < levels.Length; i++)
            levels[i] = (short)Math.Round(one * sorted[i] / largest);
        return new LevelTable(bits, levels, 1f / (one + 1), exponent: 1);
    }
}
