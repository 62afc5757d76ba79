using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Win32.SafeHandles;
using Vernier.Errors;
using Vernier.Files.Safetensors;
using Vernier.Memory;

namespace Vernier.Files.Gguf;

/// <summary>
/// A GGUF file, mapped into memory for reading. Opening it reads and checks the metadata and the descriptions of the tensors;
/// docs/formats/gguf.md has the rules. Any number of threads may read at the same time. The file must not be shortened while it is open.
/// </summary>
public sealed unsafe class GgufFile : IDisposable
{
    /// <summary>The longest key, in bytes.</summary>
    public const int MaxKeyBytes = 65535;

    /// <summary>The longest name of a tensor, in bytes: 63, the limit of ggml.</summary>
    public const int MaxNameBytes = 63;

    /// <summary>The most dimensions of a tensor.</summary>
    public const int MaxRank = 4;

    /// <summary>How deep arrays may be nested.</summary>
    public const int MaxArrayDepth = 8;

    /// <summary>What tensors are aligned to where the metadata do not say.</summary>
    public const int DefaultAlignment = 32;

    /// <summary>The largest alignment.</summary>
    public const int MaxAlignment = 1 << 16;

    /// <summary>The key of the alignment.</summary>
    public const string AlignmentKey = "general.alignment";

    private const int PieceBytes = 1 << 18;

    private readonly IDisposable? _memory;
    private readonly byte* _data;
    private readonly long _dataPosition;
    private readonly Lazy<SafeFileHandle> _handle;
    private readonly OrderedDictionary<string, GgufEntry> _entries;
    private readonly Dictionary<string, GgufFile>? _partOf;
    private bool _disposed;

    private GgufFile(string path, byte* start, long length, IDisposable memory, bool listing = false)
    {
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException("GGUF files are little-endian and are read only on little-endian machines.");
        Path = path;
        Length = length;
        _memory = memory;
        _handle = new(() => File.OpenHandle(path));
        GgufHeader header = GgufHeader.Parse(new ReadOnlySpan<byte>(start, (int)Math.Min(length, int.MaxValue)), length, path, listing);
        (Version, Metadata, _entries, _dataPosition) = (header.Version, header.Metadata, header.Entries, header.DataPosition);
        _data = start + _dataPosition;
        CheckOrder(header.Alignment);
        Tensors = [.. _entries.Values.Select(entry => entry.Info)];
        Parts = [this];
    }

    private GgufFile(GgufFile[] parts)
    {
        (Path, Version, Metadata) = (parts[0].Path, parts[0].Version, parts[0].Metadata);
        (Parts, Length, Tensors) = (parts, parts.Sum(part => part.Length), [.. parts.SelectMany(part => part.Tensors)]);
        _entries = new OrderedDictionary<string, GgufEntry>(StringComparer.Ordinal);
        _partOf = new Dictionary<string, GgufFile>(StringComparer.Ordinal);
        foreach (GgufFile part in parts)
        {
            foreach ((string name, GgufEntry entry) in part._entries)
                (_entries[name], _partOf[name]) = (entry, part);
        }
        _handle = new();
    }

    /// <summary>The path.</summary>
    public string Path { get; }

    /// <summary>The bytes of the file.</summary>
    public long Length { get; }

    /// <summary>The version, 2 or 3.</summary>
    public int Version { get; }

    /// <summary>The metadata, in the order of the file.</summary>
    public IReadOnlyDictionary<string, GgufValue> Metadata { get; }

    /// <summary>The tensors in the order of the file.</summary>
    public IReadOnlyList<GgufTensor> Tensors { get; }

    /// <summary>The files that this one reads: itself, or the parts of a model that is split, in their order.</summary>
    internal IReadOnlyList<GgufFile> Parts { get; }

    /// <summary>A tensor by name.</summary>
    /// <exception cref="InvalidFileException">There is no such tensor.</exception>
    public GgufTensor this[string name] => Entry(name).Info;

    /// <summary>Whether a file begins as a GGUF file does; false where it can't be read.</summary>
    public static bool Is(string path)
    {
        if (!File.Exists(path))
            return false;
        try
        {
            using FileStream stream = InputFile.Open(path);
            Span<byte> magic = stackalloc byte[4];
            return stream.ReadAtLeast(magic, 4, throwOnEndOfStream: false) == 4 && magic.SequenceEqual("GGUF"u8);
        }
        catch (InvalidFileException)
        {
            return false;
        }
    }

    /// <summary>Opens and validates a file.</summary>
    /// <exception cref="InvalidFileException">
    /// The file breaks a rule of <see cref="GgufRules"/>, or it is missing, unreadable or empty (<see cref="FileRules"/>).
    /// </exception>
    public static GgufFile Open(string path) => Open(path, listing: false);

    /// <summary>Opens one file, part or whole; with <paramref name="listing"/> tensors may be of types whose numbers are not
    /// read.</summary>
    internal static GgufFile Open(string path, bool listing)
    {
        MappedFile map = MappedFile.Open(path);
        try
        {
            return new GgufFile(path, map.Start, map.Length, map, listing);
        }
        catch
        {
            map.Dispose();
            throw;
        }
    }

    /// <summary>Opens a file, or where it is a part of a model that is split all parts, as one: the metadata of the first, the tensors of
    /// all.</summary>
    /// <exception cref="InvalidFileException">A file breaks a rule of <see cref="GgufRules"/>, <see cref="FileRules"/> or
    /// <see cref="GgufSplitRules"/>.</exception>
    internal static GgufFile OpenWhole(string path)
    {
        GgufFile named = Open(path);
        try
        {
            GgufFile[] parts = GgufSplit.OpenBeside(named);
            return parts.Length == 1 ? named : new GgufFile(parts);
        }
        catch
        {
            named.Dispose();
            throw;
        }
    }

    /// <summary>Finds a tensor by name.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out GgufTensor? tensor)
    {
        tensor = _entries.TryGetValue(name, out GgufEntry entry) ? entry.Info : null;
        return tensor is not null;
    }

    /// <summary>The raw bytes of a tensor of less than 2 GiB, valid until the file is disposed.</summary>
    /// <exception cref="InvalidOperationException">The tensor is larger; use <see cref="ReadBytes"/>.</exception>
    public ReadOnlySpan<byte> Bytes(string name)
    {
        GgufEntry entry = Entry(name);
        if (_partOf is not null)
            return _partOf[name].Bytes(name);
        if (entry.Bytes > int.MaxValue)
            throw new InvalidOperationException(
                $"{Path}: tensor '{name}' has {entry.Bytes} bytes, more than one span holds; read it in parts with ReadBytes.");
        return new ReadOnlySpan<byte>(_data + entry.Begin, (int)entry.Bytes);
    }

    /// <summary>Copies raw bytes of a tensor of any size, without making pages of the file part of the process's memory.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="firstByte">Where to begin, in bytes from the beginning of the tensor.</param>
    /// <param name="destination">Receives as many bytes as it is long.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range reaches beyond the tensor.</exception>
    /// <exception cref="InvalidFileException">The file can't be read or has become shorter.</exception>
    public void ReadBytes(string name, long firstByte, Span<byte> destination)
    {
        GgufEntry entry = Entry(name);
        if (_partOf is not null)
        {
            _partOf[name].ReadBytes(name, firstByte, destination);
            return;
        }
        CheckRange(firstByte, destination.Length, entry.Bytes);
        if (_memory is not MappedFile)
        {
            new ReadOnlySpan<byte>(_data + entry.Begin + firstByte, destination.Length).CopyTo(destination);
            return;
        }
        for (long position = _dataPosition + entry.Begin + firstByte; !destination.IsEmpty;)
        {
            int count = RandomAccess.Read(_handle.Value, destination, position);
            if (count == 0)
                throw new InvalidFileException(Path, FileRules.FileUnreadable, "the file has become shorter", InputFile.Again, name);
            destination = destination[count..];
            position += count;
        }
    }

    /// <summary>
    /// Reads elements of any type in single precision: blocks decoded as ggml does, other numbers exactly where a single can hold them,
    /// else rounded to
    /// nearest even. No page of the file becomes part of the process's memory.
    /// </summary>
    /// <param name="name">The tensor.</param>
    /// <param name="first">The index of the first element, in row-major order.</param>
    /// <param name="destination">Receives as many elements as it is long.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range reaches beyond the tensor.</exception>
    public void Read(string name, long first, Span<float> destination)
    {
        GgufEntry entry = Entry(name);
        GgufTensorType type = entry.Info.Type;
        CheckRange(first, destination.Length, entry.Bytes / type.BlockBytes * type.BlockColumns);
        if (destination.IsEmpty)
            return;
        int columns = type.BlockColumns, skip = (int)(first % columns);
        long block = first / columns, blocks = (skip + (long)destination.Length + columns - 1) / columns;
        int most = (int)Math.Min(blocks, Math.Max(1, PieceBytes / type.BlockBytes));
        using var buffer = new PooledArray<byte>(most * type.BlockBytes);
        using var decoded = new PooledArray<float>(type.Format is null ? 0 : most * columns);
        while (!destination.IsEmpty)
        {
            int count = (int)Math.Min(most, (skip + (long)destination.Length + columns - 1) / columns);
            ReadBytes(name, block * type.BlockBytes, buffer.Span[..(count * type.BlockBytes)]);
            int numbers = Math.Min(count * columns - skip, destination.Length);
            if (type.Format is not { } format)
            {
                Touch.Range<byte>(buffer.Span, 0, (long)count * type.BlockBytes);
                fixed (byte* source = buffer.Span)
                    ElementReader.ToSingle(type.Element!.Value, source, destination[..numbers]);
            }
            else
            {
                format.Decode(buffer.Span[..(count * type.BlockBytes)], decoded.Span[..(count * columns)]);
                decoded.Span.Slice(skip, numbers).CopyTo(destination);
            }
            destination = destination[numbers..];
            block += count;
            skip = 0;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        if (_partOf is not null)
        {
            foreach (GgufFile part in Parts)
                part.Dispose();
            return;
        }
        if (_handle.IsValueCreated)
            _handle.Value.Dispose();
        _memory!.Dispose();
    }

    /// <summary>Opens a file that is in memory. The bytes must not change while it is open.</summary>
    internal static GgufFile Open(ReadOnlyMemory<byte> file, string path)
    {
        if (file.IsEmpty)
            throw new InvalidFileException(path, FileRules.FileEmpty, "the file is empty", InputFile.Again);
        MemoryHandle pin = file.Pin();
        try
        {
            return new GgufFile(path, (byte*)pin.Pointer, file.Length, pin);
        }
        catch
        {
            pin.Dispose();
            throw;
        }
    }

    /// <summary>The next multiple of an alignment.</summary>
    internal static long Align(long position, int alignment) => checked(position + alignment - 1) / alignment * alignment;

    /// <summary>The data cover everything from the first tensor to the last, but for padding.</summary>
    private void CheckOrder(int alignment)
    {
        long covered = 0;
        foreach (GgufEntry entry in _entries.Values.OrderBy(entry => entry.Begin).ThenBy(entry => entry.Bytes))
        {
            if (entry.Begin < covered)
                throw new InvalidFileException(Path, GgufRules.TensorOverlap,
                    $"its data begin at {entry.Begin}, inside those of another tensor, which end at {covered}", InputFile.Compare,
                    entry.Info.Name);
            if (entry.Begin - covered >= alignment)
                throw new InvalidFileException(Path, GgufRules.DataHole,
                    $"the {entry.Begin - covered} bytes before its data belong to no tensor", InputFile.Compare, entry.Info.Name);
            covered = entry.Begin + entry.Bytes;
        }
    }

    private static void CheckRange(long first, int length, long total)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, total - length);
    }

    private GgufEntry Entry(string name)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _entries.TryGetValue(name, out GgufEntry entry) ? entry
            : throw new InvalidFileException(Path, GgufRules.TensorMissing, "the file has no such tensor", "Check that the file is whole",
                name);
    }
}
