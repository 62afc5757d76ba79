using System.Buffers.Binary;
using System.Text;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Safetensors;

namespace Vernier.Tests;

[UsesInstructions]
public class SafetensorsReadTests
{
    [Theory]
    [InlineData("{}", 0)]
    [InlineData("{}      \n\t ", 0)]
    [InlineData("""{"__metadata__":{}}""", 0)]
    [InlineData("""{"__metadata__":{"":"","k":"\u00e9\ud83d\ude00"}}""", 0)]
    [InlineData("""{"":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}""", 4)]
    [InlineData("""{"a":{"data_offsets":[0,0],"shape":[0,9223372036854775807],"dtype":"F32"}}""", 0)]
    [InlineData("""{"a":{"dtype":"F4","shape":[3,2],"data_offsets":[0,3]},"b":{"dtype":"F6_E3M2","shape":[4],"data_offsets":[3,6]}}""", 6)]
    [InlineData("""{"b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]},"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}""", 5)]
    [InlineData("""{ "a" : { "dtype" : "F64" , "shape" : [ 1 ] , "data_offsets" : [ 0 , 8 ] } }""", 8)]
    public void ValidFilesAreRead(string header, int dataBytes)
    {
        using SafetensorsFile file = SafetensorsBytes.Open(SafetensorsBytes.Of(header, dataBytes));
        Assert.Equal(dataBytes, file.Tensors.Sum(tensor => file.Bytes(tensor.Name).Length));
    }

    [Fact]
    public void TensorsStandInTheOrderOfTheirData()
    {
        const string header = """
            {"c":{"dtype":"U8","shape":[2],"data_offsets":[3,5]},"z2":{"dtype":"U8","shape":[0],"data_offsets":[3,3]},
             "z1":{"dtype":"U8","shape":[0],"data_offsets":[3,3]},"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}
            """;
        using SafetensorsFile file = SafetensorsBytes.Open(SafetensorsBytes.Of(header, [1, 2, 3, 4, 5]));
        Assert.Equal(["a", "z2", "z1", "c"], file.Tensors.Select(tensor => tensor.Name));
        Assert.Equal([4, 5], file.Bytes("c").ToArray());
        Assert.True(file.TryGet("z1", out _));
        Assert.False(file.TryGet("z3", out _));
    }

    [Fact]
    public void AGitLfsPointerIsRecognised() =>
        Assert.Contains("git lfs pull", Assert.Throws<InvalidFileException>(
            () => SafetensorsBytes.Open("version https://git-lfs.github.com/spec/v1\n"u8.ToArray())).Message, StringComparison.Ordinal);

    [Fact]
    public void SixtyFourDimensionsAreRead()
    {
        using SafetensorsFile file = SafetensorsBytes.Open(SafetensorsBytes.Of(
            $$$"""{"a":{"dtype":"U8","shape":[{{{string.Join(',', Enumerable.Repeat(1, 64))}}}],"data_offsets":[0,1]}}""", 1));
        Assert.Equal(64, file["a"].Shape.Count);
    }

    /// <summary>Every bit pattern of 8 and 16 bits, and random and special patterns of the rest, at every alignment.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(7)]
    public void EveryTypeIsConverted(int misalignment)
    {
        foreach (ElementType type in Enum.GetValues<ElementType>().Where(type => type.Bits() >= 8 && type != ElementType.C64))
        {
            byte[] data = Patterns(type);
            int count = data.Length / type.Size();
            string header = $$$"""{"a":{"dtype":"{{{type}}}","shape":[{{{count}}}],"data_offsets":[0,{{{data.Length}}}]}}""";
            header += new string(' ', (-header.Length & 7) + misalignment);
            using SafetensorsFile file = SafetensorsBytes.Open(SafetensorsBytes.Of(header, data));

            float[] actual = new float[count];
            file.Read("a", 0, actual);
            for (int i = 0; i < count; i++)
                AssertSame(Reference(type, data.AsSpan(i * type.Size())), actual[i], $"{type} element {i}");
        }
    }

    [Fact]
    public void EveryLengthAndPlaceIsConverted()
    {
        foreach (ElementType type in new[] { ElementType.BF16, ElementType.F16, ElementType.F32, ElementType.I32, ElementType.F8_E4M3 })
        {
            byte[] data = Patterns(type)[..(300 * type.Size())];
            string header = $$$"""{"a":{"dtype":"{{{type}}}","shape":[30,10],"data_offsets":[0,{{{data.Length}}}]}}""";
            using SafetensorsFile file = SafetensorsBytes.Open(SafetensorsBytes.Of(header, data));
            for (int length = 0; length <= 256; length++)
            {
                int first = length * 7 % 44;
                float[] actual = new float[length + 2];
                actual.AsSpan().Fill(-7);
                file.Read("a", first, actual.AsSpan(1, length));
                Assert.Equal(-7, actual[0]);
                Assert.Equal(-7, actual[^1]);
                for (int i = 0; i < length; i++)
                    AssertSame(Reference(type, data.AsSpan((first + i) * type.Size())), actual[i + 1],
                        $"{type} length {length} element {i}");
            }
        }
    }

    [Fact]
    public void KnownValuesOfTheSmallFloats()
    {
        Assert.Equal(448, One(ElementType.F8_E4M3, 0x7E));
        Assert.Equal(float.NaN, One(ElementType.F8_E4M3, 0xFF));
        Assert.Equal(MathF.ScaleB(1, -9), One(ElementType.F8_E4M3, 0x01));
        Assert.Equal(57344, One(ElementType.F8_E5M2, 0x7B));
        Assert.Equal(float.NegativeInfinity, One(ElementType.F8_E5M2, 0xFC));
        Assert.Equal(MathF.ScaleB(1, -16), One(ElementType.F8_E5M2, 0x01));
        Assert.Equal(240, One(ElementType.F8_E4M3FNUZ, 0x7F));
        Assert.Equal(float.NaN, One(ElementType.F8_E4M3FNUZ, 0x80));
        Assert.Equal(57344, One(ElementType.F8_E5M2FNUZ, 0x7F));
        Assert.Equal(1, One(ElementType.F8_E8M0, 127));
        Assert.Equal(MathF.ScaleB(1, -127), One(ElementType.F8_E8M0, 0));
        Assert.Equal(float.NaN, One(ElementType.F8_E8M0, 255));
        Assert.Equal(1, One(ElementType.BOOL, 2));

        static float One(ElementType type, byte code)
        {
            using SafetensorsFile file = SafetensorsBytes.Open(
                SafetensorsBytes.Of($$$"""{"a":{"dtype":"{{{type}}}","shape":[],"data_offsets":[0,1]}}""", [code]));
            float[] value = new float[1];
            file.Read("a", 0, value);
            return value[0];
        }
    }

    [Fact]
    public void RangesOutsideTheTensorAreRefused()
    {
        using SafetensorsFile file = SafetensorsBytes.Open(
            SafetensorsBytes.Of("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8));
        file.Read("a", 2, []);
        foreach ((long first, int length) in new (long, int)[] { (-1, 1), (2, 1), (0, 3), (long.MaxValue, 2), (long.MinValue, 1), (1, 2) })
            Refusal.Of<ArgumentOutOfRangeException>("first", () => file.Read("a", first, new float[length]));
        foreach ((long first, int length) in new (long, int)[] { (-1, 1), (8, 1), (0, 9), (long.MaxValue, 2), (4, 5) })
            Refusal.Of<ArgumentOutOfRangeException>("first", () => file.ReadBytes("a", first, new byte[length]));
    }

    [Fact]
    public void AClosedFileIsNotRead()
    {
        byte[] bytes = SafetensorsBytes.Of("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8);
        SafetensorsFile inMemory = SafetensorsBytes.Open(bytes);
        using var folder = new TempFolder();
        File.WriteAllBytes(folder["x"], bytes);
        SafetensorsFile onDisk = SafetensorsFile.Open(folder["x"]);
        foreach (SafetensorsFile file in new[] { inMemory, onDisk })
        {
            file.Dispose();
            file.Dispose();
            Refusal.Of<ObjectDisposedException>("Vernier.Files.Safetensors.SafetensorsFile", () => file.Read("a", 0, new float[2]));
            Refusal.Of<ObjectDisposedException>("Vernier.Files.Safetensors.SafetensorsFile", () => file.Bytes("a").Length);
        }
    }

    /// <summary>Sparse on disk: 4 GiB of zeros, a marked byte beyond each of the limits of 32-bit offsets.</summary>
    [Fact]
    public void LargeFilesAreRead()
    {
        const long count = (1L << 32) + 64;
        using var folder = new TempFolder();
        string path = folder["large.safetensors"];
        byte[] header = SafetensorsBytes.Of(
            $$$"""
                {"a":{"dtype":"BF16","shape":[{{{count / 2}}}],"data_offsets":[0,{{{count}}}]},"b":{"dtype":"U8","shape":[1],
                "data_offsets":[{{{count}}},{{{count + 1}}}]}}
                """, []);
        using (FileStream stream = File.Create(path))
        {
            stream.Write(header);
            stream.Position = header.Length + (1L << 32);
            stream.Write([0x80, 0x3F]);
            stream.Position = header.Length + count;
            stream.WriteByte(7);
        }
        using SafetensorsFile file = SafetensorsFile.Open(path);
        byte[] bytes = new byte[4];
        file.ReadBytes("a", (1L << 32) - 1, bytes);
        Assert.Equal([0, 0x80, 0x3F, 0], bytes);
        float[] numbers = new float[3];
        file.Read("a", (1L << 31) - 1, numbers);
        Assert.Equal([0, 1, 0], numbers);
        Assert.Equal(7, file.Bytes("b")[0]);
        Assert.Contains("'a'", Assert.Throws<InvalidOperationException>(() => file.Bytes("a").Length).Message, StringComparison.Ordinal);
    }

    private static byte[] Patterns(ElementType type)
    {
        int size = type.Size();
        byte[] data = new byte[65536 * size];
        new Random(11).NextBytes(data);
        for (int i = 0; size <= 2 && i < 65536; i++)
        {
            data[i * size] = (byte)i;
            if (size == 2)
                data[(i * 2) + 1] = (byte)(i >> 8);
        }
        double[] special = [0, -0.0, double.NaN, double.PositiveInfinity, double.NegativeInfinity, double.MaxValue, double.Epsilon, 1e-40,
            1 + Math.ScaleB(1, -24), 1 + Math.ScaleB(3, -24)];
        for (int i = 0; size >= 4 && i < special.Length; i++)
        {
            if (size == 8)
                BinaryPrimitives.WriteDoubleLittleEndian(data.AsSpan(i * 8), special[i]);
            else
                BinaryPrimitives.WriteSingleLittleEndian(data.AsSpan(i * 4), (float)special[i]);
        }
        data.AsSpan(^size..).Fill(0xFF);
        data.AsSpan(^(2 * size)..^size).Clear();
        return data;
    }

    private static float Reference(ElementType type, ReadOnlySpan<byte> x) => type switch
    {
        ElementType.BOOL => x[0] == 0 ? 0 : 1,
        ElementType.U8 => x[0],
        ElementType.I8 => (sbyte)x[0],
        ElementType.U16 => BinaryPrimitives.ReadUInt16LittleEndian(x),
        ElementType.I16 => BinaryPrimitives.ReadInt16LittleEndian(x),
        ElementType.F16 => (float)BinaryPrimitives.ReadHalfLittleEndian(x),
        ElementType.BF16 => BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(x) << 16),
        ElementType.U32 => BinaryPrimitives.ReadUInt32LittleEndian(x),
        ElementType.I32 => BinaryPrimitives.ReadInt32LittleEndian(x),
        ElementType.F32 => BinaryPrimitives.ReadSingleLittleEndian(x),
        ElementType.U64 => BinaryPrimitives.ReadUInt64LittleEndian(x),
        ElementType.I64 => BinaryPrimitives.ReadInt64LittleEndian(x),
        ElementType.F64 => (float)BinaryPrimitives.ReadDoubleLittleEndian(x),
        ElementType.F8_E5M2 => (float)BitConverter.UInt16BitsToHalf((ushort)(x[0] << 8)), // the upper half of an IEEE half
        ElementType.F8_E8M0 => x[0] == 255 ? float.NaN : (float)Math.Pow(2, x[0] - 127),
        ElementType.F8_E4M3 => (x[0] & 127) == 127 ? float.NaN : Binary(x[0], 8, 7),
        ElementType.F8_E4M3FNUZ => x[0] == 128 ? float.NaN : Binary(x[0], 8, 8),
        ElementType.F8_E5M2FNUZ => x[0] == 128 ? float.NaN : Binary(x[0], 4, 16),
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    private static float Binary(byte code, int mantissas, int bias)
    {
        int magnitude = code & 127;
        double value = magnitude < mantissas
            ? magnitude / (double)mantissas * Math.Pow(2, 1 - bias)
            : (1 + (magnitude % mantissas / (double)mantissas)) * Math.Pow(2, (magnitude / mantissas) - bias);
        return (float)(code > 127 ? -value : value);
    }

    private static void AssertSame(float expected, float actual, string what)
    {
        if (BitConverter.SingleToInt32Bits(expected) != BitConverter.SingleToInt32Bits(actual)
            && !(float.IsNaN(expected) && float.IsNaN(actual)))
            Assert.Fail(new StringBuilder().Append(what).Append(": expected ").Append(expected).Append(", got ").Append(actual).ToString());
    }
}
