namespace Vernier.Grids;

/// <summary>Scales as they are stored: in half precision, the last bits giving the level table where there is a choice.</summary>
public static class StoredScale
{
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
}
