using Vernier.Levels;
using Vernier.Packing.Scalar;

namespace Vernier.Kernels;

/// <summary>
/// The level tables of a matrix as integers of one unit: level = stored + <see cref="Offset"/>, weight = scale * unit * level, less the
/// level of the zero point where there is one. Tables with larger units have their levels multiplied, exactly.
/// </summary>
internal sealed class IntegerLevels
{
    /// <summary>Table entries of one grid in <see cref="Stored"/>: as many as the largest number of codes.</summary>
    public const int Stride = 256;

    private IntegerLevels(sbyte[] stored, int offset, float unit, int codes)
    {
        (Stored, Offset, Unit) = (stored, offset, unit);
        IsConsecutive = new bool[stored.Length / Stride];
        for (int grid = 0; grid < IsConsecutive.Length; grid++)
        {
            IsConsecutive[grid] = true;
            for (int code = 1; code < codes; code++)
                IsConsecutive[grid] &= stored[grid * Stride + code] == stored[grid * Stride] + code;
        }
    }

    /// <summary>For each grid 256 entries, the last level repeated.</summary>
    public sbyte[] Stored { get; }

    /// <summary>Of each grid, whether its stored levels are its codes plus a constant, as those of uniform grids are.</summary>
    public bool[] IsConsecutive { get; }

    /// <summary>What all levels have in common.</summary>
    public int Offset { get; }

    /// <summary>The value of level 1 at scale 1, a power of two.</summary>
    public float Unit { get; }

    /// <summary>
    /// The levels as one 8-bit part, or as two where they need 16: level = 256 high + low, low from 0 to 255 and stored less 128. Empty
    /// where
    /// they need more than 16, or are floats.
    /// </summary>
    public static IntegerLevels[] Of(ScalarLayout spec, IReadOnlyList<LevelTable> grids)
    {
        if (spec.FloatLevels)
            return [];
        float unit = grids.Min(grid => grid.Unit);
        var levels = new long[grids.Count * Stride];
        for (int g = 0; g < grids.Count; g++)
        {
            ReadOnlySpan<short> table = grids[g].Levels;
            double ratio = (double)grids[g].Unit / unit;
            if (ratio > 1 << 16)
                return [];
            for (int code = 0; code < Stride; code++)
                levels[g * Stride + code] = table[Math.Min(code, table.Length - 1)] * (long)ratio;
        }
        long least = levels.Min(), most = levels.Max();
        if (least >= sbyte.MinValue && most <= sbyte.MaxValue)
            return [new(Array.ConvertAll(levels, level => (sbyte)level), 0, unit, 1 << spec.Bits)];
        // Under a zero point only differences count, and a table of 8-bit integers from 0 fits when it is centred.
        if (spec.ZeroPoints && most - least <= byte.MaxValue)
            return [new(Array.ConvertAll(levels, level => (sbyte)(level - least + sbyte.MinValue)), (int)least - sbyte.MinValue, unit,
                1 << spec.Bits)];
        if (least < short.MinValue || most > short.MaxValue)
            return [];
        return
        [
            new(Array.ConvertAll(levels, level => (sbyte)(level >> 8)), 0, 256 * unit, 1 << spec.Bits),
            new(Array.ConvertAll(levels, level => (sbyte)((level & 255) - 128)), 128, unit, 1 << spec.Bits),
        ];
    }
}
