using System.Numerics;
using System.Runtime.InteropServices;

namespace Vernier.Packing;

/// <summary>Many numbers in half precision at a time.</summary>
internal static class HalfNumbers
{
    /// <summary>Whether all are finite: a half is where its five bits of exponent are not all ones.</summary>
    public static bool AreFinite(ReadOnlySpan<Half> halves)
    {
        ReadOnlySpan<ushort> bits = MemoryMarshal.Cast<Half, ushort>(halves);
        ReadOnlySpan<Vector<ushort>> vectors = MemoryMarshal.Cast<ushort, Vector<ushort>>(bits);
        var exponent = new Vector<ushort>(0x7C00);
        bool finite = true;
        foreach (Vector<ushort> vector in vectors)
            finite &= !Vector.EqualsAny(vector & exponent, exponent);
        foreach (ushort half in bits[(vectors.Length * Vector<ushort>.Count)..])
            finite &= (half & 0x7C00) != 0x7C00;
        return finite;
    }
}
