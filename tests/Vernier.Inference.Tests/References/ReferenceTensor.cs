using System.Runtime.InteropServices;

namespace Vernier.Tests.References;

/// <summary>A tensor as it lies in a file: the name of its type, its shape in the order of rows, its bytes.</summary>
internal sealed record ReferenceTensor(string Name, string Type, long[] Shape, byte[] Data)
{
    /// <summary>The bytes of an element of each type that the reference knows.</summary>
    public static int SizeOf(string type) => type switch
    {
        "F64" or "I64" or "U64" => 8,
        "F32" or "I32" or "U32" => 4,
        "F16" or "BF16" or "I16" or "U16" => 2,
        "F8_E4M3" or "F8_E5M2" or "I8" or "U8" or "BOOL" => 1,
        _ => throw new ReferenceRefusal($"the type {type}"),
    };

    /// <summary>The number of elements, if it is one that a small model can have.</summary>
    public long Count()
    {
        long count = 1;
        foreach (long size in Shape)
        {
            if (size is < 0 or > 1 << 24 || (count *= size) > 1 << 24)
                throw new ReferenceRefusal($"the shape of {Name}");
        }
        return count;
    }

    /// <summary>The numbers, where it holds real ones.</summary>
    public TinyTensor Read()
    {
        if (Count() * SizeOf(Type) != Data.Length)
            throw new ReferenceRefusal($"the bytes of {Name}");
        ReadOnlySpan<byte> data = Data;
        float[] values = Type switch
        {
            "F64" => [.. MemoryMarshal.Cast<byte, double>(data).ToArray().Select(x => (float)x)],
            "F32" => MemoryMarshal.Cast<byte, float>(data).ToArray(),
            "F16" => [.. MemoryMarshal.Cast<byte, Half>(data).ToArray().Select(x => (float)x)],
            "BF16" => [.. MemoryMarshal.Cast<byte, ushort>(data).ToArray().Select(x => BitConverter.UInt32BitsToSingle((uint)x << 16))],
            "F8_E5M2" => [.. Data.Select(x => (float)BitConverter.UInt16BitsToHalf((ushort)(x << 8)))],
            "F8_E4M3" => [.. Data.Select(FourAndThree)],
            _ => throw new ReferenceRefusal($"{Name} holds codes or counts ({Type}), not real numbers"),
        };
        return new TinyTensor([.. Shape.Select(size => (int)size)], values);
    }

    /// <summary>The same numbers in another type, rounded where they have to be.</summary>
    public ReferenceTensor As(string type)
    {
        float[] values = Read().Values;
        byte[] data = type switch
        {
            "F64" => MemoryMarshal.AsBytes<double>(values.Select(x => (double)x).ToArray()).ToArray(),
            "F32" => MemoryMarshal.AsBytes<float>(values).ToArray(),
            "F16" => MemoryMarshal.AsBytes<Half>(values.Select(x => (Half)x).ToArray()).ToArray(),
            "BF16" => MemoryMarshal.AsBytes<ushort>(values.Select(x => (ushort)(BitConverter.SingleToUInt32Bits(x) >> 16)).ToArray())
                .ToArray(),
            "F8_E5M2" => [.. values.Select(x => (byte)(BitConverter.HalfToUInt16Bits((Half)x) >> 8))],
            _ => throw new ArgumentException(type, nameof(type)),
        };
        return this with { Type = type, Data = data };
    }

    // Four bits of exponent, three of mantissa, no infinity: NVIDIA's, Intel's and Arm's "FP8 Formats for Deep Learning", table 1.
    private static float FourAndThree(byte code)
    {
        int exponent = code >> 3 & 15, mantissa = code & 7;
        double size = exponent == 15 && mantissa == 7 ? double.NaN
            : exponent == 0 ? mantissa * Math.Pow(2, -9) : (8 + mantissa) * Math.Pow(2, exponent - 10);
        return (float)((code & 128) != 0 ? -size : size);
    }
}
