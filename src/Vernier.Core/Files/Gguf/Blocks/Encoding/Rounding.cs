using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vernier.Files.Gguf.Blocks.Encoding;

/// <summary>The roundings of ggml, which decide bits where a number lies half-way between two, is huge or is none.</summary>
internal static class Rounding
{
    /// <summary>The largest number below one half: added before the fraction is cut off, it rounds half-way cases away from zero and no
    /// others.</summary>
    public const float BelowHalf = 0.49999997f;

    /// <summary>1.5 x 2^23: added to a number, it leaves the nearest integer in the lower bits.</summary>
    private const float Magic = 12582912f;

    private const int Mantissa = 0x7FFFFF, Bias = 0x400000;

    /// <summary>The nearest integer, of two the even one; -2^22 for infinities, 0 for what is no number. Exact below 2^22.</summary>
    public static int Nearest(float value) => (BitConverter.SingleToInt32Bits(value + Magic) & Mantissa) - Bias;

    /// <summary>The same in all lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> Nearest(Vector<float> value) =>
        (Vector.AsVectorInt32(value + new Vector<float>(Magic)) & new Vector<int>(Mantissa)) - new Vector<int>(Bias);

    /// <summary>The nearest integer from least to most.</summary>
    public static int Nearest(float value, int least, int most) => Math.Clamp(Nearest(value), least, most);

    /// <summary>The same in all lanes, as floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Nearest(Vector<float> value, Vector<int> least, Vector<int> most) =>
        Vector.ConvertToSingle(Vector.Max(least, Vector.Min(most, Nearest(value))));

    /// <summary>
    /// The integer part as the processors of ggml's reference have it: -2^31 for what no 32-bit integer can hold, numbers that are none
    /// included.
    /// </summary>
    public static int Truncate(float value) => value is >= -2147483648f and < 2147483648f ? (int)value : int.MinValue;

    /// <summary>The nearest integer, half-way away from zero, and -2^31 for what no 32-bit integer can hold.</summary>
    public static int HalfAway(float value) => Truncate(MathF.Round(value, MidpointRounding.AwayFromZero));

    /// <summary>The same in all lanes for numbers below 2^22; 0 for what is no number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<int> HalfAway(Vector<float> value) =>
        Vector.ConvertToInt32(value + ((value & new Vector<float>(-0f)) | new Vector<float>(BelowHalf)));

    /// <summary>Half precision, rounded to nearest even; a number that is none becomes the quiet one without payload.</summary>
    public static Half ToHalf(float value) =>
        float.IsNaN(value) ? BitConverter.UInt16BitsToHalf((ushort)(0x7E00 | ((BitConverter.SingleToUInt32Bits(value) >> 16) & 0x8000)))
            : (Half)value;

    public static Half ReadHalf(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadHalfLittleEndian(bytes);

    public static void WriteHalf(Span<byte> bytes, Half value) => BinaryPrimitives.WriteHalfLittleEndian(bytes, value);
}
