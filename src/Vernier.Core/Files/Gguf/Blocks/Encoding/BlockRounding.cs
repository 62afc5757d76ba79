using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vernier.Files.Gguf.Blocks.Encoding;

/// <summary>
/// Rounding of a block of 32 weights in registers, four of eight weights each. A block whose scale or inverse scale is not finite is left
/// to the plain way.
/// </summary>
internal static class BlockRounding
{
    /// <summary>Codes x / d + most, rounded, for d = (the weight of largest magnitude) / -most.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TrySymmetric(ReadOnlySpan<float> x, int most, out Half half, out Vector256<byte> codes)
    {
        Vector256<float> a = Vector256.Create(x), b = Vector256.Create(x[8..]), c = Vector256.Create(x[16..]),
            e = Vector256.Create(x[24..]);
        (float min, float max) = Range(a, b, c, e);
        // Of two weights of the same magnitude and opposite sign the first counts.
        float largest = max > -min ? max : max < -min ? min : SymmetricSearch.Largest(x);
        float d = largest / -most, inverse = d != 0 ? 1 / d : 0;
        half = (Half)d;
        Vector256<float> factor = Vector256.Create(inverse), shift = Vector256.Create(most + 0.5f);
        codes = Narrow(a * factor + shift, b * factor + shift, c * factor + shift, e * factor + shift, 2 * most - 1);
        return float.IsFinite(inverse) && float.IsFinite(d) && AreNumbers(a, b, c, e);
    }

    /// <summary>Codes (x - min) / d, rounded, for d = (max - min) / most.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryAffine(ReadOnlySpan<float> x, int most, out Half half, out Half halfMin, out Vector256<byte> codes)
    {
        Vector256<float> a = Vector256.Create(x), b = Vector256.Create(x[8..]), c = Vector256.Create(x[16..]),
            e = Vector256.Create(x[24..]);
        (float min, float max) = Range(a, b, c, e);
        float d = (max - min) / most, inverse = d != 0 ? 1 / d : 0;
        (half, halfMin) = ((Half)d, (Half)min);
        Vector256<float> factor = Vector256.Create(inverse), least = Vector256.Create(min), shift = Vector256.Create(0.5f);
        codes = Narrow((a - least) * factor + shift, (b - least) * factor + shift, (c - least) * factor + shift,
            (e - least) * factor + shift, most);
        // A zero that is the least may be of either sign, which only the order of the weights tells.
        return float.IsFinite(inverse) && float.IsFinite(d) && min != 0 && AreNumbers(a, b, c, e);
    }

    /// <summary>Levels x / d, rounded half-way away from zero, for d = (largest magnitude) / 127.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryBytes(ReadOnlySpan<float> x, out Half half, out Vector256<byte> levels)
    {
        Vector256<float> a = Vector256.Create(x), b = Vector256.Create(x[8..]), c = Vector256.Create(x[16..]),
            e = Vector256.Create(x[24..]);
        (float min, float max) = Range(a, b, c, e);
        float d = MathF.Max(max, -min) / 127, inverse = d != 0 ? 1 / d : 0;
        half = (Half)d;
        Vector256<float> factor = Vector256.Create(inverse);
        Vector256<int> i = Away(a * factor), j = Away(b * factor), k = Away(c * factor), l = Away(e * factor);
        levels = Vector256.Narrow(Vector256.Narrow(i, j), Vector256.Narrow(k, l)).AsByte();
        return float.IsFinite(inverse) && float.IsFinite(d) && AreNumbers(a, b, c, e);

        static Vector256<int> Away(Vector256<float> value) =>
            Vector256.ConvertToInt32(value + ((value & Vector256.Create(-0f)) | Vector256.Create(Rounding.BelowHalf)));
    }

    /// <summary>Codes j and j + 16 into byte j of 16.</summary>
    public static void PackHalves(Vector256<byte> codes, Span<byte> bytes) =>
        ((codes.GetLower() & Vector128.Create((byte)15)) | (codes.GetUpper() << 4)).CopyTo(bytes);

    /// <summary>Bit 4 of code j into bit j of a word.</summary>
    public static void PackFifth(Vector256<byte> codes, Span<byte> word) =>
        BinaryPrimitives.WriteUInt32LittleEndian(word, (codes << 3).ExtractMostSignificantBits());

    /// <summary>The integer parts as bytes, at most most; 0 for what is no number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Narrow(Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> e, int most)
    {
        Vector256<short> first = Vector256.Narrow(Vector256.ConvertToInt32(a), Vector256.ConvertToInt32(b)),
            second = Vector256.Narrow(Vector256.ConvertToInt32(c), Vector256.ConvertToInt32(e));
        return Vector256.Min(Vector256.Narrow(first, second).AsByte(), Vector256.Create((byte)most));
    }

    /// <summary>The least and the greatest of numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (float Least, float Greatest) Range(Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> e)
    {
        Vector256<float> least8 = Vector256.MinNative(Vector256.MinNative(a, b), Vector256.MinNative(c, e)),
            most8 = Vector256.MaxNative(Vector256.MaxNative(a, b), Vector256.MaxNative(c, e));
        Vector128<float> least = Vector128.MinNative(least8.GetLower(), least8.GetUpper()),
            most = Vector128.MaxNative(most8.GetLower(), most8.GetUpper());
        least = Vector128.MinNative(least, Vector128.Shuffle(least, Vector128.Create(2, 3, 0, 1)));
        most = Vector128.MaxNative(most, Vector128.Shuffle(most, Vector128.Create(2, 3, 0, 1)));
        return (Vector128.MinNative(least, Vector128.Shuffle(least, Vector128.Create(1, 0, 3, 2))).ToScalar(),
            Vector128.MaxNative(most, Vector128.Shuffle(most, Vector128.Create(1, 0, 3, 2))).ToScalar());
    }

    /// <summary>Whether all are numbers: one that is none would be one in the sum of its lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreNumbers(Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> e)
    {
        Vector256<float> sum = a + b + (c + e);
        return Vector256.EqualsAll(sum, sum);
    }
}
