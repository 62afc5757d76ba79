using System.Buffers.Binary;
using System.Text;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Files.Safetensors;

namespace Vernier.Tests;

/// <summary>At least one input for each rule of the catalogue, each breaking that rule.</summary>
internal static class BrokenInput
{
    /// <summary>A rule, what is wrong, and the reading that must fail, given an empty folder.</summary>
    public sealed record Case(string Rule, string What, Action<string> Read, string? Tensor = null);

    private const string A = """
        "a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}
        """;

    public static IReadOnlyList<Case> All { get; } =
        [.. Files(), .. Json(), .. Containers(), .. Headers(), .. Tensors(), .. Data(), .. Checkpoints()];

    private static IEnumerable<Case> Files()
    {
        yield return new(FileRules.FileMissing, "a missing safetensors file", folder => SafetensorsFile.Open(Path.Combine(folder, "x")));
        yield return new(FileRules.FileMissing, "a missing folder", folder => StrictJson.Parse(Path.Combine(folder, "no", "x"), 100));
        yield return new(FileRules.FileUnreadable, "a folder", folder => SafetensorsFile.Open(folder));
        yield return new(FileRules.FileUnreadable, "a folder as JSON", folder => StrictJson.Parse(folder, 100));
        yield return new(FileRules.FileEmpty, "an empty safetensors file", folder => OpenOnDisk(folder, []));
        yield return new(FileRules.FileEmpty, "empty bytes", _ => SafetensorsBytes.Open([]));
        yield return new(FileRules.FileTooLarge, "a JSON file over the limit", folder => ParseOnDisk(folder, "[1,2,3]", 6));
    }

    private static IEnumerable<Case> Json()
    {
        yield return JsonCase(FileRules.JsonNotUtf8, "a lone continuation byte", [0x22, 0x80, 0x22]);
        yield return JsonCase(FileRules.JsonNotUtf8, "a byte order mark", [0xEF, 0xBB, 0xBF, (byte)'1']);
        yield return JsonCase(FileRules.JsonInvalid, "nothing but a space", " ");
        yield return JsonCase(FileRules.JsonInvalid, "an open object", "{\"a\":1");
        yield return JsonCase(FileRules.JsonInvalid, "a trailing comma", "[1,]");
        yield return JsonCase(FileRules.JsonInvalid, "a comment", "[1] // one");
        yield return JsonCase(FileRules.JsonNotFinite, "NaN", "[NaN]");
        yield return JsonCase(FileRules.JsonInvalid, "two values", "1 2");
        yield return JsonCase(FileRules.JsonInvalid, "half a surrogate pair in a value", """["\ud800"]""");
        yield return JsonCase(FileRules.JsonInvalid, "half a surrogate pair in a name", """{"\udc00x":1}""");
        yield return JsonCase(FileRules.JsonDuplicateKey, "a name twice", """{"a":1,"b":2,"a":3}""");
        yield return JsonCase(FileRules.JsonDuplicateKey, "a name twice, once escaped", """{"x":{"a":1,"\u0061":3}}""");
        yield return JsonCase(FileRules.JsonTooDeep, "65 arrays", new string('[', 65) + new string(']', 65));
        yield return JsonCase(FileRules.JsonTooDeep, "a million open arrays", new string('[', 1_000_000));
    }

    private static IEnumerable<Case> Containers()
    {
        yield return new(SafetensorsRules.HeaderSizeMissing, "7 bytes", _ => SafetensorsBytes.Open(new byte[7]));
        yield return WithSize(SafetensorsRules.HeaderTooLarge, "100,000,001", 100_000_001);
        yield return WithSize(SafetensorsRules.HeaderTooLarge, "2^63", 1UL << 63);
        yield return WithSize(SafetensorsRules.HeaderTooLarge, "2^64 - 8", ulong.MaxValue - 7);
        yield return WithSize(SafetensorsRules.HeaderTruncated, "one byte more than there is", 9);
        yield return WithSize(SafetensorsRules.HeaderTruncated, "the limit", 100_000_000);
        yield return Header(SafetensorsRules.HeaderStart, "no header", "");
        yield return Header(SafetensorsRules.HeaderStart, "an array", "[]");
        yield return Header(SafetensorsRules.HeaderStart, "a space first", " {}");
        yield return new(SafetensorsRules.HeaderNotUtf8, "an overlong form", _ =>
            SafetensorsBytes.Open(SafetensorsBytes.Of([(byte)'{', (byte)'"', 0xC0, 0x80, (byte)'"', (byte)'}'], [])));
        yield return Header(SafetensorsRules.HeaderNotJson, "an open object", "{");
        yield return Header(SafetensorsRules.HeaderNotJson, "a second value", "{}{}");
        yield return Header(SafetensorsRules.HeaderNotJson, "zero bytes as padding", "{}\0\0");
        yield return Header(SafetensorsRules.HeaderNotJson, "half a surrogate pair", """{"__metadata__":{"a":"\ud83d"}}""");
        yield return Header(SafetensorsRules.HeaderNotJson, "an integer with a leading zero", Tensor("F32", "[02]", "[0,8]"), 8, "a");
    }

    private static IEnumerable<Case> Headers()
    {
        yield return Header(SafetensorsRules.DuplicateKey, "a tensor twice", $"{{{A},{A}}}", 8, "a");
        yield return Header(SafetensorsRules.DuplicateKey, "a tensor twice, once escaped", $"{{{A},{A.Replace("\"a\"", "\"\\u0061\"")}}}",
            8, "a");
        yield return Header(SafetensorsRules.DuplicateKey, "metadata twice", """{"__metadata__":{},"__metadata__":{}}""");
        yield return Header(SafetensorsRules.DuplicateKey, "a metadata key twice", """{"__metadata__":{"k":"1","k":"1"}}""");
        yield return Header(SafetensorsRules.DuplicateKey, "a field twice",
            """{"a":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}}""", 8, "a");
        yield return Header(SafetensorsRules.MetadataNotStrings, "an array", """{"__metadata__":[]}""");
        yield return Header(SafetensorsRules.MetadataNotStrings, "null", """{"__metadata__":null}""");
        yield return Header(SafetensorsRules.MetadataNotStrings, "a number in it", """{"__metadata__":{"a":1}}""");
        yield return Header(SafetensorsRules.MetadataNotStrings, "an object in it", """{"__metadata__":{"a":{"b":"c"}}}""");
        yield return Header(SafetensorsRules.TensorNotObject, "a string", """{"a":"F32"}""", 0, "a");
        yield return Header(SafetensorsRules.FieldMissing, "no dtype", """{"a":{"shape":[2],"data_offsets":[0,8]}}""", 8, "a");
        yield return Header(SafetensorsRules.FieldMissing, "no shape", """{"a":{"dtype":"F32","data_offsets":[0,8]}}""", 8, "a");
        yield return Header(SafetensorsRules.FieldMissing, "no offsets", """{"a":{"dtype":"F32","shape":[2]}}""", 8, "a");
        yield return Header(SafetensorsRules.FieldUnknown, "strides",
            """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"strides":[1]}}""", 8, "a");
        yield return Header(SafetensorsRules.FieldUnknown, "a name in capitals",
            """{"a":{"Dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, "a");
        yield return Header(SafetensorsRules.FieldType, "a number for dtype", """{"a":{"dtype":1,"shape":[2],"data_offsets":[0,8]}}""", 8,
            "a");
        yield return Header(SafetensorsRules.FieldType, "a number for shape", Tensor("F32", "2", "[0,8]"), 8, "a");
        yield return Header(SafetensorsRules.FieldType, "a string for offsets", Tensor("F32", "[2]", "\"0,8\""), 8, "a");
        yield return Header(SafetensorsRules.FieldType, "one offset", Tensor("F32", "[2]", "[8]"), 8, "a");
        yield return Header(SafetensorsRules.FieldType, "three offsets", Tensor("F32", "[2]", "[0,8,8]"), 8, "a");
    }

    private static IEnumerable<Case> Tensors()
    {
        foreach (string dtype in new[] { "F33", "f32", "", "0", "F32,F16", " F32", "FLOAT" })
            yield return Header(SafetensorsRules.DtypeUnknown, $"'{dtype}'", Tensor(dtype, "[2]", "[0,8]"), 8, "a");
        foreach (string dimension in new[] { "-1", "-0", "1.0", "2e0", "\"2\"", "null", "[2]", "{}", "true" })
        {
            yield return Header(SafetensorsRules.DimensionNotInteger, dimension, Tensor("F32", $"[{dimension}]", "[0,8]"), 8, "a");
            yield return Header(SafetensorsRules.OffsetNotInteger, dimension, Tensor("F32", "[2]", $"[0,{dimension}]"), 8, "a");
        }
        yield return Header(SafetensorsRules.TooManyDimensions, "65",
            Tensor("U8", $"[{string.Join(',', Enumerable.Repeat(1, 65))}]", "[0,1]"), 1, "a");
        yield return Header(SafetensorsRules.ShapeOverflow, "a dimension of 2^63", Tensor("U8", "[9223372036854775808]", "[0,8]"), 8, "a");
        yield return Header(SafetensorsRules.ShapeOverflow, "a product of 2^64", Tensor("U8", "[4294967296,4294967296]", "[0,0]"), 0, "a");
        yield return Header(SafetensorsRules.ShapeOverflow, "2^63 bytes", Tensor("F64", "[1152921504606846976]", "[0,0]"), 0, "a");
        yield return Header(SafetensorsRules.MisalignedTensor, "three 4-bit elements", Tensor("F4", "[3]", "[0,2]"), 2, "a");
        yield return Header(SafetensorsRules.MisalignedTensor, "six 6-bit elements", Tensor("F6_E2M3", "[2,3]", "[0,5]"), 5, "a");
        yield return Header(SafetensorsRules.SizeMismatch, "a byte too few", Tensor("F32", "[2]", "[0,7]"), 7, "a");
        yield return Header(SafetensorsRules.SizeMismatch, "a byte too many", Tensor("F32", "[2]", "[0,9]"), 9, "a");
        yield return Header(SafetensorsRules.SizeMismatch, "a scalar of nothing", Tensor("F32", "[]", "[0,0]"), 0, "a");
        yield return Header(SafetensorsRules.SizeMismatch, "bytes for no element", Tensor("F32", "[0]", "[0,4]"), 4, "a");
    }

    private static IEnumerable<Case> Data()
    {
        yield return Header(SafetensorsRules.OffsetsReversed, "8 to 0", Tensor("F32", "[2]", "[8,0]"), 8, "a");
        yield return Header(SafetensorsRules.OffsetsOutOfBounds, "a file cut short", Tensor("F32", "[2]", "[0,8]"), 7, "a");
        yield return Header(SafetensorsRules.OffsetsOutOfBounds, "far beyond the file",
            Tensor("F32", "[2]", "[9223372036854775799,9223372036854775807]"), 8, "a");
        yield return Header(SafetensorsRules.OffsetsOutOfBounds, "an offset of 2^63",
            Tensor("F32", "[2]", "[9223372036854775808,9223372036854775816]"), 8, "a");
        yield return Header(SafetensorsRules.TensorOverlap, "two tensors in one place", $"{{{A},{A.Replace("\"a\"", "\"b\"")}}}", 8, "b");
        yield return Header(SafetensorsRules.TensorOverlap, "a shared byte",
            """{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[3,7]}}""", 7, "b");
        yield return Header(SafetensorsRules.TensorOverlap, "a tensor without data inside another",
            $$$"""{{{{A}}},"b":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}}""", 8, "b");
        yield return Header(SafetensorsRules.DataHole, "before the first", Tensor("F32", "[2]", "[4,12]"), 12, "a");
        yield return Header(SafetensorsRules.DataHole, "between two",
            $$$"""{{{{A}}},"b":{"dtype":"U8","shape":[1],"data_offsets":[9,10]}}""", 10, "b");
        yield return Header(SafetensorsRules.TrailingBytes, "one byte", Tensor("F32", "[2]", "[0,8]"), 9);
        yield return Header(SafetensorsRules.TrailingBytes, "a byte and no tensor", "{}", 1);
        yield return new(SafetensorsRules.TensorMissing, "a name not in the file", _ =>
            SafetensorsBytes.Open(SafetensorsBytes.Of("{}", 0)).Read("b", 0, []), "b");
        foreach (string dtype in new[] { "C64", "F4", "F6_E2M3", "F6_E3M2" })
            yield return new(SafetensorsRules.NotANumber, dtype, _ =>
                SafetensorsBytes.Open(SafetensorsBytes.Of(Tensor(dtype, "[0]", "[0,0]"), 0)).Read("a", 0, []), "a");
    }

    private static IEnumerable<Case> Checkpoints()
    {
        yield return new(CheckpointRules.NoCheckpoint, "an empty folder", folder => Checkpoint.Open(folder));
        yield return new(CheckpointRules.NoCheckpoint, "no folder", folder => Checkpoint.Open(Path.Combine(folder, "no")));
        foreach (string index in new[] { "[]", "{}", """{"weight_map":[]}""", """{"weight_map":{}}""", "null" })
            yield return Sharded(CheckpointRules.IndexNoWeightMap, index, index);
        yield return Sharded(CheckpointRules.IndexEntryNotString, "a number", """{"weight_map":{"a":1}}""", "a");
        foreach (string name in new[] { "../x.safetensors", "/x.safetensors", "sub/x.safetensors", "..\\\\x.safetensors", "C:x.safetensors",
            "", ".safetensors", "..safetensors", "x.bin", "x\\u0000.safetensors", "x.safetensors/" })
            yield return Sharded(CheckpointRules.IndexFileName, $"'{name}'", $$$"""{"weight_map":{"a":"{{{name}}}"}}""", "a");
        yield return Sharded(CheckpointRules.IndexFileMissing, "no such shard",
            """{"weight_map":{"a":"1.safetensors","b":"3.safetensors"}}""");
        yield return Sharded(CheckpointRules.IndexTensorMissing, "a tensor in no shard",
            """{"weight_map":{"a":"1.safetensors","c":"1.safetensors"}}""", "c");
        yield return Sharded(CheckpointRules.IndexTensorMissing, "a tensor in another shard",
            """{"weight_map":{"a":"2.safetensors","b":"1.safetensors"}}""", "a");
        yield return Sharded(CheckpointRules.TensorInTwoFiles, "a tensor in both shards",
            """{"weight_map":{"a":"1.safetensors","b":"2.safetensors"}}""", "a", second: "a");
        yield return Sharded(SafetensorsRules.HeaderTooLarge, "a shard that is none", """{"weight_map":{"a":"0.safetensors"}}""");
        yield return new(SafetensorsRules.TensorMissing, "a name not in the checkpoint", folder =>
        {
            using Checkpoint checkpoint = Checkpoint.Open(SharedData.Quill);
            Assert.Null(checkpoint["lm_head.weight"]);
        }, "lm_head.weight");
        yield return new(CheckpointRules.Scales, "scales that fit no matrix", folder =>
        {
            File.WriteAllBytes(Path.Combine(folder, "model.safetensors"), SafetensorsBytes.Of(
                """
                    {"w":{"dtype":"F8_E4M3","shape":[2,2],"data_offsets":[8,12]},
                    "w_scale":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}
                    """u8,
                [0, 0, 128, 127, 0, 0, 128, 127, 1, 2, 3, 4]));
            Checkpoint.Open(folder).Dispose();
        }, "w_scale");
        yield return new(CheckpointRules.TensorView, "a part beyond the tensor", folder =>
        {
            File.WriteAllBytes(Path.Combine(folder, "model.safetensors"), SafetensorsBytes.Of($"{{{A}}}", 8));
            using Checkpoint checkpoint = Checkpoint.Open(folder);
            checkpoint.Show([TensorView.Slice("b", "a", [2], 1)]);
        }, "a");
        yield return new(CheckpointRules.OtherCheckpoint, "shards beside a single file", folder =>
        {
            File.WriteAllBytes(Path.Combine(folder, "model.safetensors"), SafetensorsBytes.Of("{}", 0));
            using var writer = new CheckpointWriter(folder, [new("a", ElementType.U8, [2]), new("b", ElementType.U8, [2])], 2);
        });
        yield return new(CheckpointRules.OtherCheckpoint, "a single file beside shards", folder =>
        {
            File.WriteAllText(Path.Combine(folder, "model.safetensors.index.json"), "{}");
            using var writer = new CheckpointWriter(folder, [new("a", ElementType.U8, [2])]);
        });
    }

    private static string Tensor(string dtype, string shape, string offsets) =>
        $$$"""{"a":{"dtype":"{{{dtype}}}","shape":{{{shape}}},"data_offsets":{{{offsets}}}}}""";

    private static Case Header(string rule, string what, string header, int dataBytes = 0, string? tensor = null) =>
        new(rule, what, _ => SafetensorsBytes.Open(SafetensorsBytes.Of(header, dataBytes)).Dispose(), tensor);

    private static Case WithSize(string rule, string what, ulong size) => new(rule, "a header of " + what, folder =>
    {
        byte[] file = SafetensorsBytes.Of("{}      ", 0);
        BinaryPrimitives.WriteUInt64LittleEndian(file, size);
        OpenOnDisk(folder, file);
    });

    private static Case JsonCase(string rule, string what, string text) => JsonCase(rule, what, Encoding.UTF8.GetBytes(text));

    private static Case JsonCase(string rule, string what, byte[] text) =>
        new(rule, what, _ => StrictJson.Parse(text, "test.json").Dispose());

    private static Case Sharded(string rule, string what, string index, string? tensor = null, string second = "b") =>
        new(rule, what, folder =>
    {
        File.WriteAllText(Path.Combine(folder, "model.safetensors.index.json"), index);
        File.WriteAllText(Path.Combine(folder, "0.safetensors"), "not safetensors");
        File.WriteAllBytes(Path.Combine(folder, "1.safetensors"), SafetensorsBytes.Of($"{{{A}}}", 8));
        File.WriteAllBytes(Path.Combine(folder, "2.safetensors"), SafetensorsBytes.Of($"{{{A.Replace("\"a\"", $"\"{second}\"")}}}", 8));
        Checkpoint.Open(folder).Dispose();
    }, tensor);

    private static void OpenOnDisk(string folder, byte[] file)
    {
        string path = Path.Combine(folder, "x.safetensors");
        File.WriteAllBytes(path, file);
        SafetensorsFile.Open(path).Dispose();
    }

    private static void ParseOnDisk(string folder, string text, long maxBytes)
    {
        string path = Path.Combine(folder, "x.json");
        File.WriteAllText(path, text);
        StrictJson.Parse(path, maxBytes).Dispose();
    }
}
