using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Unicode;
using Vernier.Errors;

namespace Vernier.Files.Safetensors;

/// <summary>
/// Reads the JSON header in one pass without a document: the memory used is that of the result, which is at most a few
/// times the header.
/// </summary>
internal ref struct SafetensorsHeader
{
    private static readonly FrozenDictionary<string, ElementType> Types =
        Enum.GetValues<ElementType>().ToFrozenDictionary(type => type.ToString(), StringComparer.Ordinal);

    private readonly string _path;
    private readonly long _dataBytes;
    private Utf8JsonReader _reader;
    private string? _tensor;

    private SafetensorsHeader(ReadOnlySpan<byte> json, string path, long dataBytes)
    {
        _path = path;
        _dataBytes = dataBytes;
        _reader = new Utf8JsonReader(json);
    }

    /// <summary>The tensors by name, in the order of the header.</summary>
    public Dictionary<string, SafetensorsEntry> Entries { get; } = new(StringComparer.Ordinal);

    /// <summary>The strings of <c>__metadata__</c>, in the order of the header.</summary>
    public Dictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    /// <summary>Parses and checks everything that one tensor alone can break.</summary>
    /// <param name="json">The header without its size.</param>
    /// <param name="path">The file, for messages.</param>
    /// <param name="dataBytes">The number of bytes in the file after the header.</param>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json, string path, long dataBytes)
    {
        if (json.IsEmpty || json[0] != (byte)'{')
            throw new InvalidFileException(path, SafetensorsRules.HeaderStart, "the header does not begin with '{'",
                "Check that this is a safetensors file");
        if (!Utf8.IsValid(json))
            throw new InvalidFileException(path, SafetensorsRules.HeaderNotUtf8, "the header is not UTF-8", InputFile.Compare);
        var header = new SafetensorsHeader(json, path, dataBytes);
        try
        {
            header.ReadObject();
            return header;
        }
        catch (JsonException e)
        {
            throw new InvalidFileException(path, SafetensorsRules.HeaderNotJson,
                $"the header is not JSON, at byte {header._reader.BytesConsumed} of it", InputFile.Compare, header._tensor, e);
        }
        catch (InvalidOperationException e)
        {
            // The reader says so of a string with half of a surrogate pair, which is no Unicode text.
            throw new InvalidFileException(path, SafetensorsRules.HeaderNotJson,
                $"the header has a string that is not Unicode, at byte {header._reader.TokenStartIndex} of it", InputFile.Compare,
                header._tensor, e);
        }
    }

    private void ReadObject()
    {
        bool metadata = false;
        _reader.Read();
        while (NextName() is string name)
        {
            if (name == "__metadata__")
            {
                if (metadata)
                    throw Broken(SafetensorsRules.DuplicateKey, "__metadata__ stands twice in the header", InputFile.Compare);
                metadata = true;
                ReadMetadata();
            }
            else
            {
                _tensor = name;
                SafetensorsEntry entry = ReadTensor(name);
                if (!Entries.TryAdd(name, entry))
                    throw Broken(SafetensorsRules.DuplicateKey, "two tensors have this name", "Save the model again under distinct names");
                _tensor = null;
            }
        }
        _reader.Read(); // Anything but white space behind the object throws here.
    }

    /// <summary>The name of the next member of the object that the reader is in, or null at its end.</summary>
    private string? NextName()
    {
        _reader.Read();
        return _reader.TokenType == JsonTokenType.PropertyName ? _reader.GetString()! : null;
    }

    private void ReadMetadata()
    {
        _reader.Read();
        if (_reader.TokenType != JsonTokenType.StartObject)
            throw Broken(SafetensorsRules.MetadataNotStrings, "__metadata__ is not an object",
                "Save the model again; metadata are pairs of strings");
        while (NextName() is string key)
        {
            _reader.Read();
            if (_reader.TokenType != JsonTokenType.String)
                throw Broken(SafetensorsRules.MetadataNotStrings, $"__metadata__ has a value that is not a string, under '{key}'",
                    "Save the model again; metadata are pairs of strings");
            if (!Metadata.TryAdd(key, _reader.GetString()!))
                throw Broken(SafetensorsRules.DuplicateKey, $"__metadata__ has the key '{key}' twice", InputFile.Compare);
        }
    }

    private SafetensorsEntry ReadTensor(string name)
    {
        _reader.Read();
        if (_reader.TokenType != JsonTokenType.StartObject)
            throw Broken(SafetensorsRules.TensorNotObject, "the header does not describe it by an object", InputFile.Compare);
        ElementType? type = null;
        long[]? shape = null;
        (long Begin, long End)? offsets = null;
        while (NextName() is string field)
        {
            bool twice = field switch
            {
                "dtype" => type is not null,
                "shape" => shape is not null,
                "data_offsets" => offsets is not null,
                _ => throw Broken(SafetensorsRules.FieldUnknown, $"the header has an unknown field '{field}' for it",
                    "Save the model again with a current version of safetensors"),
            };
            if (twice)
                throw Broken(SafetensorsRules.DuplicateKey, $"the header has the field '{field}' twice for it", InputFile.Compare);
            _reader.Read();
            switch (field)
            {
                case "dtype":
                    type = ReadType();
                    break;
                case "shape":
                    shape = ReadShape();
                    break;
                default:
                    offsets = ReadOffsets();
                    break;
            }
        }
        if (type is null || shape is null || offsets is null)
            throw Broken(SafetensorsRules.FieldMissing,
                $"the header lacks its {(type is null ? "dtype" : shape is null ? "shape" : "data_offsets")}", InputFile.Compare);
        return Check(new TensorInfo(name, type.Value, shape), offsets.Value.Begin, offsets.Value.End);
    }

    private ElementType ReadType()
    {
        if (_reader.TokenType != JsonTokenType.String)
            throw Broken(SafetensorsRules.FieldType, "its dtype is not a string", InputFile.Compare);
        string name = _reader.GetString()!;
        return Types.TryGetValue(name, out ElementType type) ? type
            : throw Broken(SafetensorsRules.DtypeUnknown, $"its dtype '{name}' is unknown", "Convert the checkpoint to F32, F16 or BF16");
    }

    private long[] ReadShape()
    {
        if (_reader.TokenType != JsonTokenType.StartArray)
            throw Broken(SafetensorsRules.FieldType, "its shape is not an array", InputFile.Compare);
        Span<long> dimensions = stackalloc long[SafetensorsFile.MaxRank];
        int rank = 0;
        while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
        {
            if (rank == dimensions.Length)
                throw Broken(SafetensorsRules.TooManyDimensions, $"its shape has more than {SafetensorsFile.MaxRank} dimensions",
                    "Save the tensor with fewer dimensions");
            dimensions[rank++] = ReadInteger(SafetensorsRules.DimensionNotInteger, SafetensorsRules.ShapeOverflow, "shape");
        }
        return dimensions[..rank].ToArray();
    }

    private (long Begin, long End) ReadOffsets()
    {
        if (_reader.TokenType != JsonTokenType.StartArray)
            throw Broken(SafetensorsRules.FieldType, "its data_offsets are not an array", InputFile.Compare);
        Span<long> offsets = stackalloc long[2];
        int count = 0;
        while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
        {
            if (count == 2)
                throw Broken(SafetensorsRules.FieldType, "its data_offsets are more than two", InputFile.Compare);
            offsets[count++] = ReadInteger(SafetensorsRules.OffsetNotInteger, SafetensorsRules.OffsetsOutOfBounds, "data_offsets");
        }
        return count == 2 ? (offsets[0], offsets[1])
            : throw Broken(SafetensorsRules.FieldType, "its data_offsets are fewer than two", InputFile.Compare);
    }

    private readonly long ReadInteger(string notInteger, string tooLarge, string field)
    {
        if (_reader.TokenType != JsonTokenType.Number || _reader.ValueSpan.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
            throw Broken(notInteger, $"its {field} have a value that is not a non-negative integer in digits", InputFile.Compare);
        return _reader.TryGetInt64(out long value) ? value
            : throw Broken(tooLarge, $"its {field} have a value of 2^63 or more", InputFile.Compare);
    }

    private readonly SafetensorsEntry Check(TensorInfo tensor, long begin, long end)
    {
        if (begin > end)
            throw Broken(SafetensorsRules.OffsetsReversed, $"its data end at {end}, before they begin at {begin}", InputFile.Compare);
        long bytes;
        try
        {
            if ((tensor.Count & 7) * tensor.Type.Bits() % 8 != 0)
                throw Broken(SafetensorsRules.MisalignedTensor,
                    $"its {tensor.Count} elements of {tensor.Type.Bits()} bits do not fill whole bytes",
                    "Save the tensor with its last dimension padded");
            bytes = tensor.Bytes;
        }
        catch (OverflowException)
        {
            throw Broken(SafetensorsRules.ShapeOverflow,
                $"its shape [{string.Join(',', tensor.Shape)}] has more than 2^63 - 1 elements or bytes", InputFile.Compare);
        }
        if (end - begin != bytes)
            throw Broken(SafetensorsRules.SizeMismatch,
                $"{tensor.Type} [{string.Join(',', tensor.Shape)}] takes {bytes} bytes, but its data_offsets leave it {end - begin}",
                InputFile.Compare);
        if (end > _dataBytes)
            throw Broken(SafetensorsRules.OffsetsOutOfBounds,
                $"its data end {end} bytes after the header, but only {_dataBytes} bytes follow it",
                "The file is incomplete. " + InputFile.Again);
        return new SafetensorsEntry(tensor, begin, bytes);
    }

    private readonly InvalidFileException Broken(string rule, string problem, string remedy) => new(_path, rule, problem, remedy, _tensor);
}
