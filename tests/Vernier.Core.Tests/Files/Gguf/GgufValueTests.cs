using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;

namespace Vernier.Tests.Files.Gguf;

/// <summary>Values of each type: their numbers, their bytes in a file, and when two are equal.</summary>
public class GgufValueTests
{
    // Type, value, whole number, number, hexadecimal bytes.
    public static TheoryData<GgufType, object, long?, double?, string> Scalars => new()
    {
        { GgufType.UInt8, (byte)200, 200, 200, "C8" },
        { GgufType.Int8, (sbyte)-2, -2, -2, "FE" },
        { GgufType.UInt16, (ushort)0xFFFE, 65534, 65534, "FEFF" },
        { GgufType.Int16, (short)-32768, -32768, -32768, "0080" },
        { GgufType.UInt32, 0x80000001u, 2147483649, 2147483649, "01000080" },
        { GgufType.Int32, int.MinValue, int.MinValue, int.MinValue, "00000080" },
        { GgufType.Float32, -1.5f, null, -1.5, "0000C0BF" },
        { GgufType.Bool, true, null, null, "01" },
        { GgufType.Bool, false, null, null, "00" },
        { GgufType.String, "aé", null, null, "030000000000000061C3A9" },
        { GgufType.String, "", null, null, "0000000000000000" },
        { GgufType.UInt64, (ulong)long.MaxValue, long.MaxValue, long.MaxValue, "FFFFFFFFFFFFFF7F" },
        { GgufType.UInt64, ulong.MaxValue, null, 18446744073709551615.0, "FFFFFFFFFFFFFFFF" },
        { GgufType.Int64, -2L, -2, -2, "FEFFFFFFFFFFFFFF" },
        { GgufType.Float64, 1e300, null, 1e300, "9C7500883CE4377E" },
    };

    public static TheoryData<object, GgufType, string> Arrays => new()
    {
        { new byte[] { 1, 255 }, GgufType.UInt8, "01FF" },
        { new sbyte[] { -1 }, GgufType.Int8, "FF" },
        { new ushort[] { 258 }, GgufType.UInt16, "0201" },
        { new short[] { -1 }, GgufType.Int16, "FFFF" },
        { new uint[] { 1 }, GgufType.UInt32, "01000000" },
        { new[] { -1, 2 }, GgufType.Int32, "FFFFFFFF02000000" },
        { new[] { 1f }, GgufType.Float32, "0000803F" },
        { new[] { true, false }, GgufType.Bool, "0100" },
        { new[] { "a", "" }, GgufType.String, "0100000000000000610000000000000000" },
        { new[] { 1UL }, GgufType.UInt64, "0100000000000000" },
        { new[] { -1L }, GgufType.Int64, "FFFFFFFFFFFFFFFF" },
        { new[] { 1.0 }, GgufType.Float64, "000000000000F03F" },
        { Array.Empty<double>(), GgufType.Float64, "" },
        { new[] { GgufValue.Of(new byte[] { 7 }) }, GgufType.Array, "00000000010000000000000007" },
    };

    [Theory]
    [MemberData(nameof(Scalars), DisableDiscoveryEnumeration = true)]
    public void AScalarHasItsTypeItsNumbersAndItsBytes(GgufType type, object data, long? whole, double? number, string bytes)
    {
        GgufValue value = GgufValue.Of(data);
        Assert.Equal((type, (GgufType?)null), (value.Type, value.ElementType));
        Assert.Equal((whole, number), (value.AsInteger(), value.AsNumber()));
        Assert.Equal(data.ToString(), value.ToString());
        Same(value, GgufValue.Of(data));
        Assert.Equal($"{(int)type:X2}000000{bytes}", Written(value));
    }

    [Theory]
    [MemberData(nameof(Arrays), DisableDiscoveryEnumeration = true)]
    public void AnArrayHasItsElementsAndItsBytes(object data, GgufType element, string bytes)
    {
        GgufValue value = GgufValue.Of(data);
        int length = ((Array)data).Length;
        Assert.Equal((GgufType.Array, element), (value.Type, value.ElementType));
        Assert.Equal(((long?)null, (double?)null), (value.AsInteger(), value.AsNumber()));
        Assert.Equal($"{length} x {element}", value.ToString());
        Same(value, GgufValue.Of(((Array)data).Clone()));
        Assert.Equal($"09000000{(int)element:X2}000000{length:X2}00000000000000{bytes}", Written(value));
    }

    [Fact]
    public void ValuesOfOtherTypesLengthsOrElementsDiffer()
    {
        GgufValue[] all =
        [
            GgufValue.Of(1), GgufValue.Of(1u), GgufValue.Of(1L), GgufValue.Of(1f), GgufValue.Of(1.0), GgufValue.Of(true), GgufValue.Of("1"),
            GgufValue.Of((byte)1), GgufValue.Of(2), GgufValue.Of(new[] { 1 }), GgufValue.Of(new[] { 1u }), GgufValue.Of(new[] { 1, 2 }),
            GgufValue.Of(new[] { 2 }), GgufValue.Of(Array.Empty<int>()), GgufValue.Of(Array.Empty<uint>()),
            GgufValue.Of(new[] { GgufValue.Of(new[] { 1 }) }), GgufValue.Of(new[] { GgufValue.Of(new[] { 3 }) }),
        ];
        for (int i = 0; i < all.Length; i++)
        {
            Assert.False(all[i].Equals(null) || all[i].Equals((object)1));
            for (int j = 0; j < all.Length; j++)
                Assert.Equal(i == j, all[i].Equals(all[j]));
        }
    }

    [Fact]
    public void WhatNoFileHoldsIsRefused()
    {
        object[] values = [1m, 'c', DateTime.UnixEpoch, GgufType.Int8, new[] { 'c' }, new object[1], new int[1, 1], Half.One];
        foreach (object value in values)
            Assert.Equal("value", Assert.Throws<ArgumentException>(() => GgufValue.Of(value)).ParamName);
        Refusal.Of<ArgumentNullException>("value", () => GgufValue.Of(null!));
    }

    [Fact]
    public void TensorTypesAreFoundByNumberNameAndFormat()
    {
        foreach (GgufTensorType type in GgufTensorType.All)
        {
            Assert.True(GgufTensorType.TryGet(type.Id, out GgufTensorType? found));
            Assert.Same(type, found);
            Assert.True(GgufTensorType.TryGet(type.Name.ToLowerInvariant(), out found));
            Assert.Same(type, found);
            Assert.NotEqual(type.Element is null, type.Format is null);
        }
        Assert.All(BlockFormats.All, format => Assert.Equal(format.TypeId, GgufTensorType.Of(format).Id));
        Assert.False(GgufTensorType.TryGet(9, out _) || GgufTensorType.TryGet(-1, out _) || GgufTensorType.TryGet("", out _));
        Assert.Equal(
            ["Q8_1", "NVFP4", "number 4", "number 4294967295"], ((uint[])[9, 40, 4, uint.MaxValue]).Select(GgufTensorType.NameOf));
        var tensor = new GgufTensor("t", GgufTensorType.Of(BlockFormats.Q4_0), [3, 64]);
        Assert.Equal((192, 64, 108), (tensor.Count, tensor.Columns, tensor.Bytes));
        var scalar = new GgufTensor("s", GgufTensorType.BF16, []);
        Assert.Equal((1, 1, 2), (scalar.Count, scalar.Columns, scalar.Bytes));
    }

    private static void Same(GgufValue value, GgufValue other)
    {
        Assert.True(value.Equals(other) && value.Equals((object)other));
        Assert.Equal(value.GetHashCode(), other.GetHashCode());
    }

    // What follows magic, version, two counts and the key "k".
    private static string Written(GgufValue value)
    {
        byte[] file = GgufWriter.Header([KeyValuePair.Create("k", value)], [], out int alignment, out long dataBytes).ToArray();
        Assert.Equal((32, 0), (alignment, dataBytes));
        const string Before = "4747554603000000" + "0000000000000000" + "0100000000000000" + "0100000000000000" + "6B";
        Assert.Equal(Before, Convert.ToHexString(file[..33]));
        return Convert.ToHexString(file[33..]);
    }
}
