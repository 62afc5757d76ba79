using Vernier.Levels;

namespace Vernier.Grids.Uniform;

/// <summary>
/// The evenly spaced grid. Levels are the indices j of the layout themselves (for mid-rise 2j, the odd integers);
/// value = scale * unit * level.
/// </summary>
public static class UniformGrid
{
    /// <summary>Builds the table. Rounding is to the nearest level, ties to even.</summary>
    /// <param name="bits">2 to 8.</param>
    /// <param name="layout">Which indices the codes stand for.</param>
    public static LevelTable Create(int bits, LevelLayout layout)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, 8);
        int half = 1 << (bits - 1);
        (int first, int count, int step) = layout switch
        {
            LevelLayout.Symmetric => (1 - half, 2 * half - 1, 1),
            LevelLayout.Full => (-half, 2 * half, 1),
            LevelLayout.MidRise => (1 - 2 * half, 2 * half, 2),
            _ => (0, 2 * half, 1),
        };
        var levels = new short[count];
        for (int i = 0; i < count; i++)
            levels[i] = (short)(first + step * i);
        return new LevelTable(bits, levels, step == 2 ? 0.5f / half : 1f / half, exponent: 1);
    }
}
