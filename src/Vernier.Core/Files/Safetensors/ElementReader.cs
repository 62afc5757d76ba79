using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;

namespace Vernier.Files.Safetensors;

/// <summary>Converts elements as they lie in a file, little-endian and perhaps unaligned, to single precision.</summary>
internal static unsafe class ElementReader
{
    private static readonly float[] F8E4M3 = Minifloat(mantissaBits: 3, bias: 7, code => (code & 0x7F) == 0x7F ? float.NaN : null);

    private static readonly float[] F8E5M2 = Minifloat(mantissaBits: 2, bias: 15, code => (code & 0x7F) switch
    {
        0x7C => (code & 0x80) == 0 ? float.PositiveInfinity : float.NegativeInfinity,
        > 0x7C => float.NaN,
        _ => null,
    });

    private static readonly float[] F8E4M3FNUZ = Minifloat(mantissaBits: 3, bias: 8, code => code == 0x80 ? float.NaN : null);

    private static readonly float[] F8E5M2FNUZ = Minifloat(mantissaBits: 2, bias: 16, code => code == 0x80 ? float.NaN : null);

    private static readonly float[] F8E8M0 =
        [.. Enumerable.Range(0, 256).Select(code => code == 255 ? float.NaN : MathF.ScaleB(1, code - 127))];

    /// <summary>Whether elements of this type are real numbers of whole bytes.</summary>
    public static bool CanRead(ElementType type) => type.Bits() >= 8 && type != ElementType.C64;

    /// <summary>Converts as many elements as <paramref name="destination"/> is long.</summary>
    /// <param name="type">A type for which <see cref="CanRead"/> holds.</param>
    /// <param name="source">The first element; any address.</param>
    /// <param name="destination">Receives the numbers.</param>
    public static void ToSingle(ElementType type, byte* source, Span<float> destination)
    {
        int n = destination.Length;
        switch (type)
        {
            case ElementType.F32:
                fixed (float* target = destination)
                    Buffer.MemoryCopy(source, target, n * 4L, n * 4L);
                break;
            case ElementType.BF16:
                WidenBFloat16((ushort*)source, destination);
                break;
            case ElementType.F16:
                TensorPrimitives.ConvertToSingle(new ReadOnlySpan<Half>(source, n), destination);
                break;
            case ElementType.F64:
                Cast((double*)source, destination);
                break;
            case ElementType.U64:
                Cast((ulong*)source, destination);
                break;
            case ElementType.I64:
                Cast((long*)source, destination);
                break;
            case ElementType.U32:
                Cast((uint*)source, destination);
                break;
            case ElementType.I32:
                Cast((int*)source, destination);
                break;
            case ElementType.U16:
                Cast((ushort*)source, destination);
                break;
            case ElementType.I16:
                Cast((short*)source, destination);
                break;
            case ElementType.U8:
                Cast(source, destination);
                break;
            case ElementType.I8:
                Cast((sbyte*)source, destination);
                break;
            case ElementType.BOOL:
                for (int i = 0; i < n; i++)
                    destination[i] = source[i] != 0 ? 1 : 0;
                break;
            default:
                LookUp(Table(type), source, destination);
                break;
        }
    }

    /// <summary>
    /// A BF16 is the upper half of a single: the scalar equivalent is BitConverter.UInt32BitsToSingle((uint)source[i] &lt;&lt; 16).
    /// Each vector of 16-bit lanes is widened to two vectors of 32-bit lanes, which are shifted.
    /// </summary>
    private static void WidenBFloat16(ushort* source, Span<float> destination)
    {
        fixed (float* target = destination)
        {
            int i = 0;
            for (; i <= destination.Length - Vector<ushort>.Count; i += Vector<ushort>.Count)
            {
                Vector.Widen(Vector.Load(source + i), out Vector<uint> low, out Vector<uint> high);
                Vector.Store(Vector.ShiftLeft(low, 16).As<uint, float>(), target + i);
                Vector.Store(Vector.ShiftLeft(high, 16).As<uint, float>(), target + i + Vector<float>.Count);
            }
            for (; i < destination.Length; i++)
                target[i] = BitConverter.UInt32BitsToSingle((uint)source[i] << 16);
        }
    }

    private static void Cast<T>(T* source, Span<float> destination)
        where T : unmanaged, INumberBase<T>
    {
        for (int i = 0; i < destination.Length; i++)
            destination[i] = float.CreateTruncating(Unsafe.ReadUnaligned<T>(source + i));
    }

    private static void LookUp(float[] table, byte* source, Span<float> destination)
    {
        for (int i = 0; i < destination.Length; i++)
            destination[i] = table[source[i]];
    }

    private static float[] Table(ElementType type) => type switch
    {
        ElementType.F8_E4M3 => F8E4M3,
        ElementType.F8_E5M2 => F8E5M2,
        ElementType.F8_E4M3FNUZ => F8E4M3FNUZ,
        ElementType.F8_E5M2FNUZ => F8E5M2FNUZ,
        ElementType.F8_E8M0 => F8E8M0,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Elements of this type are no real numbers of whole bytes."),
    };

    /// <summary>
    /// All values of an 8-bit float: (-1)^s 2^(e - bias) (1 + m / 2^mantissaBits), or (-1)^s 2^(1 - bias) m / 2^mantissaBits where
    /// e is 0, unless <paramref name="special"/> says otherwise.
    /// </summary>
    private static float[] Minifloat(int mantissaBits, int bias, Func<int, float?> special)
    {
        float[] values = new float[256];
        for (int code = 0; code < 256; code++)
        {
            int exponent = (code & 0x7F) >> mantissaBits;
            int mantissa = code & ((1 << mantissaBits) - 1);
            float magnitude = exponent == 0
                ? MathF.ScaleB(mantissa, 1 - bias - mantissaBits)
                : MathF.ScaleB(mantissa + (1 << mantissaBits), exponent - bias - mantissaBits);
            values[code] = special(code) ?? (code < 0x80 ? magnitude : -magnitude);
        }
        return values;
    }
}
