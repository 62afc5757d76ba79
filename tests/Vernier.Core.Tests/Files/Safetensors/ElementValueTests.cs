using System.Runtime.InteropServices;
using Vernier.Files;
using Vernier.Files.Safetensors;

namespace Vernier.Tests;

/// <summary>Values of each element type that are written in its definition.</summary>
public class ElementValueTests
{
    private const float Infinity = float.PositiveInfinity;

    public static TheoryData<ElementType, byte[], float[]> Values => new()
    {
        { ElementType.BOOL, [0, 1, 2, 255], [0, 1, 1, 1] },
        { ElementType.U8, [0, 127, 128, 255], [0, 127, 128, 255] },
        { ElementType.I8, [0, 127, 128, 255], [0, 127, -128, -1] },
        {
            ElementType.F8_E4M3, [0x00, 0x80, 0x01, 0x08, 0x38, 0x7E, 0xFE, 0x7F, 0xFF],
            [0, -0f, 1 / 512f, 1 / 64f, 1, 448, -448, float.NaN, float.NaN]
        },
        {
            ElementType.F8_E5M2, [0x01, 0x04, 0x3C, 0x7B, 0x7C, 0xFC, 0x7D, 0xFF],
            [1 / 65536f, 1 / 16384f, 1, 57344, Infinity, -Infinity, float.NaN, float.NaN]
        },
        { ElementType.F8_E4M3FNUZ, [0x00, 0x01, 0x40, 0x7F, 0xFF, 0x80], [0, 1 / 1024f, 1, 240, -240, float.NaN] },
        { ElementType.F8_E5M2FNUZ, [0x00, 0x01, 0x40, 0x7F, 0xFF, 0x80], [0, 1 / 131072f, 1, 57344, -57344, float.NaN] },
        { ElementType.F8_E8M0, [0, 1, 127, 128, 254, 255], [5.877472e-39f, 1.1754944e-38f, 1, 2, 1.7014118e38f, float.NaN] },
        { ElementType.U16, Bytes<ushort>(0, 32768, 65535), [0, 32768, 65535] },
        { ElementType.I16, Bytes<short>(-32768, -1, 32767), [-32768, -1, 32767] },
        {
            ElementType.F16, Bytes<ushort>(0x0001, 0x0400, 0x3C00, 0x7BFF, 0xFC00, 0x7E00, 0x8000),
            [5.9604645e-8f, 6.1035156e-5f, 1, 65504, -Infinity, float.NaN, -0f]
        },
        {
            ElementType.BF16, Bytes<ushort>(0x0001, 0x3F80, 0x7F7F, 0x7F80, 0xFF80, 0x7FC0, 0x8000),
            [9.1835e-41f, 1, 3.3895314e38f, Infinity, -Infinity, float.NaN, -0f]
        },
        { ElementType.U32, Bytes<uint>(0, 16777217, uint.MaxValue), [0, 16777216, 4294967296f] },
        { ElementType.I32, Bytes(int.MinValue, -16777219, int.MaxValue), [-2147483648f, -16777220, 2147483648f] },
        { ElementType.F32, Bytes(float.Epsilon, float.MaxValue, -0f, float.NaN), [float.Epsilon, float.MaxValue, -0f, float.NaN] },
        { ElementType.U64, Bytes<ulong>(1, ulong.MaxValue, 1UL << 63), [1, 18446744073709551616f, 9223372036854775808f] },
        { ElementType.I64, Bytes(long.MinValue, -1, long.MaxValue), [-9223372036854775808f, -1, 9223372036854775808f] },
        {
            ElementType.F64, Bytes(1e-46, 1e39, -1e300, 1 + 1.0 / (1 << 24), 0.1, double.NaN, -0.0),
            [0, Infinity, -Infinity, 1, 0.1f, float.NaN, -0f]
        },
    };

    // At odd addresses too, and between others, of which nothing is touched.
    [Theory]
    [MemberData(nameof(Values), DisableDiscoveryEnumeration = true)]
    public unsafe void BytesStandForTheNumbersOfTheDefinition(ElementType type, byte[] bytes, float[] expected)
    {
        Assert.True(ElementReader.CanRead(type));
        Assert.Equal(bytes.Length, expected.Length * type.Size());
        for (int shift = 0; shift < 3; shift++)
        {
            byte[] memory = [.. new byte[shift], .. bytes, 0xEE];
            float[] actual = [-7, .. new float[expected.Length], -7];
            fixed (byte* source = memory)
                ElementReader.ToSingle(type, source + shift, actual.AsSpan(1, expected.Length));
            Assert.Equal((-7f, -7f), (actual[0], actual[^1]));
            for (int i = 0; i < expected.Length; i++)
            {
                Assert.Equal(expected[i], actual[i + 1]);
                if (!float.IsNaN(expected[i]))
                    Assert.Equal(float.IsNegative(expected[i]), float.IsNegative(actual[i + 1]));
            }
        }
    }

    [Fact]
    public void EveryTypeIsReadOrIsNoNumberOfWholeBytes()
    {
        ElementType[] none = [ElementType.F4, ElementType.F6_E2M3, ElementType.F6_E3M2, ElementType.C64];
        Assert.Equal(none, Enum.GetValues<ElementType>().Where(type => !ElementReader.CanRead(type)));
        Assert.Equal(Enum.GetValues<ElementType>().Except(none).Order(), Values.Select(row => row.Data.Item1).Order());
        Assert.Equal([4, 6, 6, 64], none.Select(type => type.Bits()));
        Assert.All(none[..3], type => Refusal.Of<NotSupportedException>("which are no whole bytes", () => type.Size()));
        ElementType[] floats = [ElementType.F16, ElementType.BF16, ElementType.F32, ElementType.F64];
        Assert.Equal(floats, Enum.GetValues<ElementType>().Where(type => type.IsFloat()));
        Refusal.Of<ArgumentOutOfRangeException>("type", () => ((ElementType)99).Bits());
    }

    [Fact]
    public void CountsAndBytesOfTensorsOverflowLoudly()
    {
        Assert.Equal((1, 4), (new TensorInfo("s", ElementType.F32, []).Count, new TensorInfo("s", ElementType.F32, []).Bytes));
        Assert.Equal(0, new TensorInfo("e", ElementType.F64, [3, 0, 5]).Bytes);
        Assert.Equal((30, 15), (new TensorInfo("f", ElementType.F4, [5, 6]).Count, new TensorInfo("f", ElementType.F4, [5, 6]).Bytes));
        Assert.Equal(6, new TensorInfo("f", ElementType.F6_E2M3, [8]).Bytes);
        Assert.Throws<OverflowException>(() => new TensorInfo("l", ElementType.U8, [long.MaxValue, 2]).Count);
        Assert.Equal(long.MaxValue, new TensorInfo("l", ElementType.U8, [long.MaxValue]).Bytes);
        Assert.Throws<OverflowException>(() => new TensorInfo("l", ElementType.U16, [long.MaxValue]).Bytes);
    }

    private static byte[] Bytes<T>(params T[] values)
        where T : unmanaged => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
}
