using Vernier.Files.Gguf;

namespace Vernier.Tests.Files.Gguf;

/// <summary>At least one file for each rule, each breaking that rule.</summary>
internal static class GgufBroken
{
    public sealed record Case(string Rule, string What, byte[] File, string? Tensor = null);

    public static IReadOnlyList<Case> All { get; } = [.. Headers(), .. Values(), .. Tensors()];

    private static GgufBytes One => GgufBytes.Begin(1, 0);

    private static IEnumerable<Case> Headers()
    {
        yield return new(GgufRules.Magic, "another magic", "GGML\u0003\0\0\0aaaaaaaabbbbbbbb"u8.ToArray());
        yield return new(GgufRules.Magic, "three bytes", "GGU"u8.ToArray());
        yield return new(GgufRules.Magic, "a pointer", "version https://git-lfs.github.com/spec/v1"u8.ToArray());
        yield return new(GgufRules.HeaderTruncated, "23 bytes", GgufBytes.Begin(0, 0).Data(0, 1)[..23]);
        yield return new(GgufRules.Version, "version 1", GgufBytes.Begin(0, 0, 1).Data(0));
        yield return new(GgufRules.Version, "version 4", GgufBytes.Begin(0, 0, 4).Data(0));
        yield return new(GgufRules.Version, "big-endian", GgufBytes.Begin(0, 0, 3 << 24).Data(0));
        yield return new(GgufRules.HeaderTruncated, "2^64 - 1 pairs", GgufBytes.Begin(0, ulong.MaxValue).Data(0));
        yield return new(GgufRules.HeaderTruncated, "2^63 tensors", GgufBytes.Begin(1UL << 63, 0).Data(0));
    }

    private static IEnumerable<Case> Values()
    {
        static GgufBytes pair(string key, GgufType type) => GgufBytes.Begin(0, 1).Key(key, type);
        yield return new(GgufRules.KeyLength, "an empty key", pair("", GgufType.UInt8).Raw([0]).Data(0));
        yield return new(GgufRules.KeyLength, "a long key", pair(new string('k', 65536), GgufType.UInt8).Raw([0]).Data(0));
        yield return new(GgufRules.HeaderTruncated, "a key beyond the end", GgufBytes.Begin(0, 1).Number(1UL << 40).Data(0));
        yield return new(GgufRules.DuplicateKey, "a key twice",
            GgufBytes.Begin(0, 2).Key("a", GgufType.UInt8).Raw([0]).Key("a", GgufType.UInt8).Raw([0]).Data(0));
        yield return new(GgufRules.ValueType, "type 13", pair("a", (GgufType)13).Raw([0]).Data(0));
        yield return new(GgufRules.ValueType, "an array of type 14", pair("a", GgufType.Array).Number(14u).Number(0UL).Data(0));
        yield return new(GgufRules.HeaderTruncated, "a value beyond the end",
            GgufBytes.Begin(0, 1).Key("a", GgufType.Float64).Raw([1, 2, 3]).Data(0, 1));
        yield return new(GgufRules.HeaderTruncated, "a text of 2^63 bytes", pair("a", GgufType.String).Number(1UL << 63).Data(0));
        yield return new(GgufRules.HeaderTruncated, "an array of 2^62 floats",
            pair("a", GgufType.Array).Number((uint)GgufType.Float32).Number(1UL << 62).Data(0));
        yield return new(GgufRules.HeaderTruncated, "an array of 2^31 texts",
            pair("a", GgufType.Array).Number((uint)GgufType.String).Number(1UL << 31).Data(0));
        yield return new(GgufRules.HeaderTruncated, "an array of 2^32 arrays",
            pair("a", GgufType.Array).Number((uint)GgufType.Array).Number(1UL << 32).Data(0));
        GgufBytes deep = pair("a", GgufType.Array);
        for (int i = 0; i < GgufFile.MaxArrayDepth; i++)
            deep.Number((uint)GgufType.Array).Number(1UL);
        yield return new(GgufRules.ArrayTooDeep, "nine arrays", deep.Number((uint)GgufType.UInt8).Number(0UL).Data(0));
        yield return new(GgufRules.NotUtf8, "a text", pair("a", GgufType.String).Number(2UL).Raw([0xC0, 0x80]).Data(0));
        yield return new(GgufRules.NotUtf8, "a key", GgufBytes.Begin(0, 1).Number(1UL).Raw([0x80]).Number(0u).Raw([0]).Data(0));
        yield return new(GgufRules.NotUtf8, "a name", One.Number(1UL).Raw([0xFF]).Number(0u).Number(0u).Number(0UL).Data(4));
        yield return new(GgufRules.Boolean, "2", pair("a", GgufType.Bool).Raw([2]).Data(0));
        yield return new(GgufRules.Boolean, "255 in an array",
            pair("a", GgufType.Array).Number((uint)GgufType.Bool).Number(2UL).Raw([1, 255]).Data(0));
        yield return new(GgufRules.Alignment, "zero", pair(GgufFile.AlignmentKey, GgufType.UInt32).Number(0u).Data(0));
        yield return new(GgufRules.Alignment, "24", pair(GgufFile.AlignmentKey, GgufType.UInt32).Number(24u).Data(0));
        yield return new(GgufRules.Alignment, "2^31", pair(GgufFile.AlignmentKey, GgufType.UInt32).Number(1u << 31).Data(0));
        yield return new(GgufRules.Alignment, "a text", pair(GgufFile.AlignmentKey, GgufType.String).Text("32").Data(0));
    }

    private static IEnumerable<Case> Tensors()
    {
        yield return new(GgufRules.NameLength, "an empty name", One.Tensor("", 0, 0, 1).Data(4));
        yield return new(GgufRules.NameLength, "64 bytes", One.Tensor(new string('n', 64), 0, 0, 1).Data(4));
        yield return new(GgufRules.DuplicateTensor, "a name twice",
            GgufBytes.Begin(2, 0).Tensor("t", 0, 0, 1).Tensor("t", 0, 32, 1).Data(36), "t");
        yield return new(GgufRules.TooManyDimensions, "five", One.Tensor("t", 0, 0, 1, 1, 1, 1, 1).Data(4), "t");
        yield return new(GgufRules.TooManyDimensions, "2^32 - 1", One.Text("t").Number(uint.MaxValue).Data(4), "t");
        yield return new(GgufRules.ShapeOverflow, "2^63 columns", One.Tensor("t", 0, 0, 1UL << 63).Data(4), "t");
        yield return new(GgufRules.ShapeOverflow, "a product", One.Tensor("t", 0, 0, 1UL << 40, 1UL << 40).Data(4), "t");
        yield return new(GgufRules.ShapeOverflow, "bytes", One.Tensor("t", 0, 0, 1UL << 62).Data(4), "t");
        yield return new(GgufRules.TensorType, "a number there is not", One.Tensor("t", 5, 0, 32).Data(64), "t");
        yield return new(GgufRules.TensorType, "a type that is not supported", One.Tensor("t", 16, 0, 256).Data(256), "t");
        yield return new(GgufRules.TensorType, "2^32 - 1", One.Tensor("t", uint.MaxValue, 0, 256).Data(256), "t");
        yield return new(GgufRules.PartialBlock, "31 columns", One.Tensor("t", 2, 0, 31, 32).Data(1024), "t");
        yield return new(GgufRules.PartialBlock, "a scalar", One.Tensor("t", 12, 0).Data(1024), "t");
        yield return new(GgufRules.OffsetMisaligned, "offset 4", One.Tensor("t", 0, 4, 1).Data(64), "t");
        yield return new(GgufRules.OffsetsOutOfBounds, "one byte short", One.Tensor("t", 0, 0, 9).Data(35), "t");
        yield return new(GgufRules.OffsetsOutOfBounds, "an offset near 2^64", One.Tensor("t", 0, ulong.MaxValue - 31, 9).Data(64), "t");
        yield return new(GgufRules.OffsetsOutOfBounds, "a tensor of 2^60 bytes", One.Tensor("t", 0, 0, 1UL << 58).Data(64), "t");
        yield return new(GgufRules.TensorOverlap, "the same place",
            GgufBytes.Begin(2, 0).Tensor("t", 0, 0, 16).Tensor("u", 0, 32, 8).Data(64), "u");
        yield return new(GgufRules.DataHole, "32 bytes at the beginning", One.Tensor("t", 0, 32, 8).Data(64), "t");
        yield return new(GgufRules.DataHole, "between two", GgufBytes.Begin(2, 0).Tensor("t", 0, 0, 1).Tensor("u", 0, 64, 8).Data(96), "u");
        yield return new(GgufRules.TensorMissing, "no tensor", GgufBytes.Begin(0, 0).Data(0), "absent");
    }
}
