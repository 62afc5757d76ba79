
namespace Vernier.Levels;

/// <summary>
/// Scales as they are stored: in half precision, the last bits giving the level table where there is a choice; or in one byte, in a format
/// all of whose numbers
/// half precision holds.
/// </summary>
public static class StoredScale
{
    private const int E8M0Bias = 127, LeastPower = -24, MostPower = 15;

    private static readonly Half[] s_e8m0 = [.. Enumerable.Range(LeastPower, MostPower - LeastPower + 1)
        .Select(power => (Half)Math.ScaleB(1, power))];
    private static readonly Half[] s_e4m3 = [.. new MinifloatFormat(4, 3, ReservedCodes.LastCode).Magnitudes()
        .Select(magnitude => (Half)Math.ScaleB(magnitude, -9))];

    /// <summary>The half-precision number next to a scale whose last log2(tables) bits are the table's index.</summary>
    /// <param name="scale">The scale.</param>
    /// <param name="table">The index of the table.</param>
    /// <param name="tables">The number of tables: 1, 2, 4 or 8.</param>
    public static Half Nearest(double scale, int table, int tables)
    {
        var nearest = (Half)scale;
        if (tables == 1 || !Half.IsFinite(nearest))
            return nearest;
        ushort bits = BitConverter.HalfToUInt16Bits(nearest);
        int masked = (bits & ~(tables - 1)) | table;
        Half best = BitConverter.UInt16BitsToHalf((ushort)masked);
        // The magnitudes of one sign are in the order of their bits, so that the neighbours are one step of `tables` away.
        foreach (int step in (ReadOnlySpan<int>)[-tables, tables])
        {
            int magnitude = (masked & 0x7FFF) + step;
            if (magnitude < 0 || magnitude >= 0x7C00)
                continue;
            Half other = BitConverter.UInt16BitsToHalf((ushort)((masked & 0x8000) | magnitude));
            if (Math.Abs((double)other - scale) < Math.Abs((double)best - scale))
                best = other;
        }
        return best;
    }

    /// <summary>The number of a format next to a scale, and of two that are as near the smaller.</summary>
    /// <param name="scale">The scale. What a format can't go below or above gives its least or largest number.</param>
    /// <param name="format">A format of one byte.</param>
    public static Half Nearest(double scale, ScaleFormat format)
    {
        ReadOnlySpan<Half> all = Values(format);
        int above = 0;
        while (above < all.Length && (double)all[above] < scale)
            above++;
        return above == 0 ? all[0]
            : above == all.Length ? all[^1]
            : (double)all[above] - scale < scale - (double)all[above - 1] ? all[above] : all[above - 1];
    }

    /// <summary>The numbers of a format, ascending.</summary>
    /// <param name="format">A format of one byte.</param>
    public static ReadOnlySpan<Half> Values(ScaleFormat format) => format switch
    {
        ScaleFormat.E8M0 => s_e8m0,
        ScaleFormat.E4M3 => s_e4m3,
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "a format of one byte"),
    };

    /// <summary>The byte that stands for a number of a format.</summary>
    /// <exception cref="ArgumentException">The format does not have the number.</exception>
    public static byte Encode(Half scale, ScaleFormat format)
    {
        int index = Values(format).BinarySearch(scale);
        if (index < 0)
            throw new ArgumentException($"the scale {scale} is no number of {format}", nameof(scale));
        return (byte)(format == ScaleFormat.E8M0 ? index + LeastPower + E8M0Bias : index);
    }

    /// <summary>The number that a byte stands for; NaN where it stands for none, or for one that half precision can't hold.</summary>
    public static Half Decode(byte stored, ScaleFormat format)
    {
        ReadOnlySpan<Half> all = Values(format);
        int index = format == ScaleFormat.E8M0 ? stored - E8M0Bias - LeastPower : stored;
        return (uint)index < (uint)all.Length ? all[index] : Half.NaN;
    }
}
