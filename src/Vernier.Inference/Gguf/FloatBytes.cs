using System.Runtime.InteropServices;
using Vernier.Files;

namespace Vernier.Inference.Gguf;

/// <summary>Numbers as bytes of a float type.</summary>
internal static class FloatBytes
{
    /// <summary>Writes numbers as F32, F16 or BF16, rounded to nearest even.</summary>
    public static void Write(ReadOnlySpan<float> numbers, ElementType type, Span<byte> bytes)
    {
        switch (type)
        {
            case ElementType.F32:
                MemoryMarshal.AsBytes(numbers).CopyTo(bytes);
                break;
            case ElementType.F16:
                System.Numerics.Tensors.TensorPrimitives.ConvertToHalf(numbers, MemoryMarshal.Cast<byte, Half>(bytes));
                break;
            case ElementType.BF16:
                Span<ushort> upper = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (int i = 0; i < numbers.Length; i++)
                    upper[i] = Upper(numbers[i]);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "Numbers are written as F32, F16 or BF16.");
        }
    }

    // What is no number stays so: a quiet one.
    private static ushort Upper(float number)
    {
        uint bits = BitConverter.SingleToUInt32Bits(number);
        return float.IsNaN(number) ? (ushort)((bits >> 16) | 0x40) : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
