using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;
using Vernier.Errors;

namespace Vernier.Files.Gguf;

/// <summary>Reads what stands before the data in one pass. Nothing is allocated that the bytes read so far do not justify.</summary>
internal ref struct GgufHeader
{
    /// <summary>The least bytes of a header, of a pair and of the description of a tensor.</summary>
    private const int Shortest = 24, ShortestPair = 14, ShortestTensor = 25;

    private readonly string _path;
    private readonly ReadOnlySpan<byte> _file;
    private readonly long _length;
    private readonly bool _listing;
    private int _position;
    private string? _tensor;

    private GgufHeader(ReadOnlySpan<byte> file, long length, string path, bool listing)
    {
        _listing = listing;
        _file = file;
        _length = length;
        _path = path;
    }

    /// <summary>The version.</summary>
    public int Version { get; private set; }

    /// <summary>The metadata, in the order of the file.</summary>
    public OrderedDictionary<string, GgufValue> Metadata { get; } = new(StringComparer.Ordinal);

    /// <summary>The tensors by name, in the order of the file.</summary>
    public OrderedDictionary<string, GgufEntry> Entries { get; } = new(StringComparer.Ordinal);

    /// <summary>What the data of every tensor begin at a multiple of.</summary>
    public int Alignment { get; private set; } = GgufFile.DefaultAlignment;

    /// <summary>Where the data begin.</summary>
    public long DataPosition { get; private set; }

    /// <summary>Parses and checks the header.</summary>
    /// <param name="file">The file, or its first 2 GiB.</param>
    /// <param name="length">The length of the file.</param>
    /// <param name="path">The file, for messages.</param>
    /// <param name="listing">Whether tensors of types that are not read are listed.</param>
    public static GgufHeader Parse(ReadOnlySpan<byte> file, long length, string path, bool listing)
    {
        var header = new GgufHeader(file, length, path, listing);
        header.Read();
        return header;
    }

    private void Read()
    {
        if (!_file.StartsWith("GGUF"u8))
            throw Broken(GgufRules.Magic, "the file does not begin with 'GGUF'", _file.StartsWith("version "u8)
                ? "It is text, most likely a Git LFS pointer; fetch the file itself with 'git lfs pull'"
                : "Check that this is a GGUF file");
        if (_file.Length < Shortest)
            throw Truncated();
        _position = 4;
        uint version = ReadUInt32();
        if (version is not (2 or 3))
        {
            throw Broken(GgufRules.Version, (version & 0xFFFF) == 0 ? "the file is big-endian"
                : $"the file has version {version}, and 2 and 3 are read",
                version == 1 ? "Convert the model again with a current version of llama.cpp"
                    : "Convert the model again for little-endian machines, or with another version of the program that wrote it");
        }
        Version = (int)version;
        ulong tensors = ReadUInt64(), pairs = ReadUInt64();
        ulong left = (ulong)(_file.Length - _position);
        if (pairs > left / ShortestPair || tensors > left / ShortestTensor)
            throw Truncated();
        for (ulong i = 0; i < pairs; i++)
            ReadPair();
        ReadAlignment();
        for (ulong i = 0; i < tensors; i++)
            ReadTensor();
        DataPosition = GgufFile.Align(_position, Alignment);
        foreach (GgufEntry entry in Entries.Values)
        {
            if (entry.Begin > _length - DataPosition - entry.Bytes)
                throw new InvalidFileException(_path, GgufRules.OffsetsOutOfBounds,
                    $"its data end {(Int128)entry.Begin + entry.Bytes} bytes after the header, but only "
                    + $"{Math.Max(0, _length - DataPosition)} bytes follow it", "The file is incomplete. " + InputFile.Again,
                    entry.Info.Name);
        }
    }

    private void ReadPair()
    {
        string key = ReadString(1, GgufFile.MaxKeyBytes, GgufRules.KeyLength, "a key");
        GgufValue value = ReadValue(ReadType(key), key, 0);
        if (!Metadata.TryAdd(key, value))
            throw Broken(GgufRules.DuplicateKey, $"the key '{key}' stands twice", InputFile.Compare);
    }

    private GgufType ReadType(string key)
    {
        uint type = ReadUInt32();
        return type <= (uint)GgufType.Float64 ? (GgufType)type
            : throw Broken(GgufRules.ValueType, $"the value of '{key}' has the unknown type {type}", InputFile.Compare);
    }

    private GgufValue ReadValue(GgufType type, string key, int depth) => type switch
    {
        GgufType.UInt8 => GgufValue.Of(Take(1)[0]),
        GgufType.Int8 => GgufValue.Of((sbyte)Take(1)[0]),
        GgufType.UInt16 => GgufValue.Of(BinaryPrimitives.ReadUInt16LittleEndian(Take(2))),
        GgufType.Int16 => GgufValue.Of(BinaryPrimitives.ReadInt16LittleEndian(Take(2))),
        GgufType.UInt32 => GgufValue.Of(ReadUInt32()),
        GgufType.Int32 => GgufValue.Of((int)ReadUInt32()),
        GgufType.Float32 => GgufValue.Of(BinaryPrimitives.ReadSingleLittleEndian(Take(4))),
        GgufType.Bool => GgufValue.Of(ReadBool(key)),
        GgufType.String => GgufValue.Of(ReadText(key)),
        GgufType.Array => ReadArray(key, depth + 1),
        GgufType.UInt64 => GgufValue.Of(ReadUInt64()),
        GgufType.Int64 => GgufValue.Of((long)ReadUInt64()),
        _ => GgufValue.Of(BinaryPrimitives.ReadDoubleLittleEndian(Take(8))),
    };

    private GgufValue ReadArray(string key, int depth)
    {
        if (depth > GgufFile.MaxArrayDepth)
            throw Broken(GgufRules.ArrayTooDeep, $"the arrays of '{key}' are nested deeper than {GgufFile.MaxArrayDepth} levels",
                InputFile.Compare);
        GgufType type = ReadType(key);
        ulong count = ReadUInt64();
        // The least that an element takes: a string its length, an array its type and length.
        int least = type switch
        {
            GgufType.UInt8 or GgufType.Int8 or GgufType.Bool => 1,
            GgufType.UInt16 or GgufType.Int16 => 2,
            GgufType.UInt32 or GgufType.Int32 or GgufType.Float32 => 4,
            GgufType.Array => 12,
            _ => 8,
        };
        if (count > (ulong)((_file.Length - _position) / least))
            throw Truncated();
        int length = (int)count;
        Array items = type switch
        {
            GgufType.UInt8 => Copy<byte>(length),
            GgufType.Int8 => Copy<sbyte>(length),
            GgufType.UInt16 => Copy<ushort>(length),
            GgufType.Int16 => Copy<short>(length),
            GgufType.UInt32 => Copy<uint>(length),
            GgufType.Int32 => Copy<int>(length),
            GgufType.Float32 => Copy<float>(length),
            GgufType.UInt64 => Copy<ulong>(length),
            GgufType.Int64 => Copy<long>(length),
            GgufType.Float64 => Copy<double>(length),
            GgufType.Bool => ReadBools(length, key),
            GgufType.String => ReadTexts(length, key),
            _ => ReadArrays(length, key, depth),
        };
        return new GgufValue(type, items);
    }

    private T[] Copy<T>(int count)
        where T : unmanaged
    {
        if (count == 0)
            return [];
        T[] items = GC.AllocateUninitializedArray<T>(count);
        Take(count * Unsafe.SizeOf<T>()).CopyTo(MemoryMarshal.AsBytes(items.AsSpan()));
        return items;
    }

    private bool[] ReadBools(int count, string key)
    {
        var items = new bool[count];
        for (int i = 0; i < count; i++)
            items[i] = ReadBool(key);
        return items;
    }

    private string[] ReadTexts(int count, string key)
    {
        var items = new string[count];
        for (int i = 0; i < count; i++)
            items[i] = ReadText(key);
        return items;
    }

    private GgufValue[] ReadArrays(int count, string key, int depth)
    {
        var items = new GgufValue[count];
        for (int i = 0; i < count; i++)
            items[i] = ReadArray(key, depth + 1);
        return items;
    }

    private bool ReadBool(string key)
    {
        byte value = Take(1)[0];
        return value <= 1 ? value == 1 : throw Broken(GgufRules.Boolean, $"a truth value of '{key}' is {value}", InputFile.Compare);
    }

    private string ReadText(string key) => ReadString(0, int.MaxValue, GgufRules.HeaderTruncated, $"a text of '{key}'");

    private string ReadString(int least, int most, string rule, string what)
    {
        ulong length = ReadUInt64();
        if (length > (ulong)(_file.Length - _position))
            throw Truncated();
        if (length < (ulong)least || length > (ulong)most)
            throw Broken(rule, $"{what} is {length} bytes long, not {least} to {most}", InputFile.Compare);
        ReadOnlySpan<byte> text = Take((int)length);
        return Utf8.IsValid(text) ? Encoding.UTF8.GetString(text)
            : throw Broken(GgufRules.NotUtf8, $"{what} is not UTF-8", InputFile.Compare);
    }

    private void ReadAlignment()
    {
        if (!Metadata.TryGetValue(GgufFile.AlignmentKey, out GgufValue? value))
            return;
        if (value.Data is not uint alignment || alignment is < 8 or > GgufFile.MaxAlignment || !uint.IsPow2(alignment))
            throw Broken(GgufRules.Alignment,
                $"{GgufFile.AlignmentKey} is {value} ({value.Type}), not a UInt32 and a power of two from 8 to {GgufFile.MaxAlignment}",
                InputFile.Compare);
        Alignment = (int)alignment;
    }

    private void ReadTensor()
    {
        _tensor = null;
        string name = ReadString(1, GgufFile.MaxNameBytes, GgufRules.NameLength, "the name of a tensor");
        _tensor = name;
        uint rank = ReadUInt32();
        if (rank > GgufFile.MaxRank)
            throw Broken(GgufRules.TooManyDimensions, $"it has {rank} dimensions, and at most {GgufFile.MaxRank} are read",
                InputFile.Compare);
        var shape = new long[rank];
        Int128 count = 1;
        for (int i = (int)rank - 1; i >= 0; i--)
        {
            ulong dimension = ReadUInt64();
            count *= dimension;
            if (dimension > long.MaxValue || count > long.MaxValue)
                throw Broken(GgufRules.ShapeOverflow, "it has more than 2^63 - 1 elements", InputFile.Compare);
            shape[i] = (long)dimension;
        }
        uint id = ReadUInt32();
        int number = (int)Math.Min(id, int.MaxValue);
        if (!GgufTensorType.TryGet(number, out GgufTensorType? type) && !(_listing && GgufTensorType.TryGetListed(number, out type)))
            throw Broken(GgufRules.TensorType, $"its type, {GgufTensorType.NameOf(id)}, is not supported",
                $"Give a file whose tensors are of the types {string.Join(", ", GgufTensorType.All)}");
        if ((rank == 0 ? 1 : shape[^1]) % type.BlockColumns != 0)
            throw Broken(GgufRules.PartialBlock,
                $"its rows of {(rank == 0 ? 1 : shape[^1])} are no whole number of blocks of {type.BlockColumns}, as {type} needs",
                InputFile.Compare);
        Int128 bytes = count / type.BlockColumns * type.BlockBytes;
        if (bytes > long.MaxValue)
            throw Broken(GgufRules.ShapeOverflow, "it has more than 2^63 - 1 bytes", InputFile.Compare);
        ulong offset = ReadUInt64();
        if (offset % (uint)Alignment != 0)
            throw Broken(GgufRules.OffsetMisaligned, $"its data begin at {offset}, which is no multiple of {Alignment}", InputFile.Compare);
        if (offset > long.MaxValue || (Int128)offset + bytes > _length)
            throw Broken(GgufRules.OffsetsOutOfBounds, $"its data end at {offset + bytes}, beyond the end of the file",
                "The file is incomplete. " + InputFile.Again);
        if (!Entries.TryAdd(name, new GgufEntry(new GgufTensor(name, type, shape), (long)offset, (long)bytes)))
            throw Broken(GgufRules.DuplicateTensor, "two tensors have this name", InputFile.Compare);
    }

    private uint ReadUInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    private ulong ReadUInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _file.Length - _position)
            throw Truncated();
        ReadOnlySpan<byte> taken = _file.Slice(_position, count);
        _position += count;
        return taken;
    }

    private readonly InvalidFileException Truncated() =>
        Broken(GgufRules.HeaderTruncated, $"the header reaches beyond the end of the file, which has {_length} bytes",
        "The file is incomplete. " + InputFile.Again);

    private readonly InvalidFileException Broken(string rule, string problem, string remedy) => new(_path, rule, problem, remedy, _tensor);
}
