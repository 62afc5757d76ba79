using System.Buffers;
using System.Buffers.Binary;
using Vernier.Errors;
using Vernier.Memory;

namespace Vernier.Files.Safetensors;

/// <summary>
/// A safetensors file, mapped into memory for reading. Opening it reads and checks the header alone, whatever the size of
/// the file; docs/formats/safetensors.md has the rules. Any number of threads may read at the same time. The file must not
/// be shortened while it is open.
/// </summary>
public sealed unsafe class SafetensorsFile : ITensorFile
{
    /// <summary>The longest header that is accepted, in bytes: 100,000,000, the limit of the reference implementation.</summary>
    public const int MaxHeaderBytes = 100_000_000;

    /// <summary>The most dimensions a tensor may have: 64.</summary>
    public const int MaxRank = 64;

    private const int PieceBytes = 1 << 18;

    private readonly IDisposable _memory;
    private readonly byte* _data;
    private readonly long _dataPosition;
    private readonly Lazy<Microsoft.Win32.SafeHandles.SafeFileHandle> _handle;
    private readonly Dictionary<string, SafetensorsEntry> _entries;
    private readonly TensorInfo[] _tensors;
    private bool _disposed;

    private SafetensorsFile(string path, byte* start, long length, IDisposable memory)
    {
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException("Safetensors files are little-endian and are read only on little-endian machines.");
        Path = path;
        _memory = memory;
        long header = HeaderBytes(path, start, length);
        _dataPosition = 8 + header;
        _data = start + _dataPosition;
        _handle = new(() => File.OpenHandle(path));
        SafetensorsHeader parsed = SafetensorsHeader.Parse(new ReadOnlySpan<byte>(start + 8, (int)header), path, length - 8 - header);
        Metadata = parsed.Metadata;
        _entries = parsed.Entries;
        _tensors = InOrder(path, _entries, length - 8 - header);
    }

    /// <summary>The path.</summary>
    public string Path { get; }

    /// <summary>The free-form <c>__metadata__</c> of the header.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The tensors in the order of their data.</summary>
    public IReadOnlyList<TensorInfo> Tensors => _tensors;

    /// <summary>A tensor by name.</summary>
    /// <exception cref="InvalidFileException">There is no such tensor.</exception>
    public TensorInfo this[string name] => Entry(name).Info;

    /// <summary>Opens and validates a file.</summary>
    /// <exception cref="InvalidFileException">
    /// The file breaks a rule of <see cref="SafetensorsRules"/>, or it is missing, unreadable or empty (<see cref="FileRules"/>).
    /// </exception>
    public static SafetensorsFile Open(string path)
    {
        MappedFile map = MappedFile.Open(path);
        try
        {
            return new SafetensorsFile(path, map.Start, map.Length, map);
        }
        catch
        {
            map.Dispose();
            throw;
        }
    }

    /// <summary>Finds a tensor by name.</summary>
    public bool TryGet(string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out TensorInfo? tensor)
    {
        tensor = _entries.TryGetValue(name, out SafetensorsEntry entry) ? entry.Info : null;
        return tensor is not null;
    }

    /// <summary>The raw bytes of a tensor of less than 2 GiB, valid until the file is disposed. They can be unaligned.</summary>
    /// <exception cref="InvalidOperationException">The tensor is larger; use <see cref="ReadBytes"/>.</exception>
    public ReadOnlySpan<byte> Bytes(string name)
    {
        SafetensorsEntry entry = Entry(name);
        if (entry.Bytes > int.MaxValue)
            throw new InvalidOperationException(
                $"{Path}: tensor '{name}' has {entry.Bytes} bytes, more than one span holds; read it in parts with ReadBytes.");
        return new ReadOnlySpan<byte>(_data + entry.Begin, (int)entry.Bytes);
    }

    /// <summary>Copies raw bytes of a tensor of any size.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="firstByte">Where to begin, in bytes from the beginning of the tensor.</param>
    /// <param name="destination">Receives as many bytes as it is long.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range reaches beyond the tensor.</exception>
    public void ReadBytes(string name, long firstByte, Span<byte> destination)
    {
        SafetensorsEntry entry = Entry(name);
        CheckRange(firstByte, destination.Length, entry.Bytes);
        new ReadOnlySpan<byte>(_data + entry.Begin + firstByte, destination.Length).CopyTo(destination);
    }

    /// <summary>
    /// Copies raw bytes as <see cref="ReadBytes"/> does, by reading the file: no page of it becomes part of the process's memory. For
    /// what is read once, from the beginning to the end.
    /// </summary>
    /// <inheritdoc cref="ReadBytes"/>
    /// <exception cref="InvalidFileException">The file can't be read or has become shorter.</exception>
    public void ReadOnce(string name, long firstByte, Span<byte> destination)
    {
        if (_memory is not MappedFile)
        {
            ReadBytes(name, firstByte, destination);
            return;
        }
        SafetensorsEntry entry = Entry(name);
        CheckRange(firstByte, destination.Length, entry.Bytes);
        ReadFromFile(name, _dataPosition + entry.Begin + firstByte, destination);
    }

    /// <summary>
    /// Reads elements, converted to single precision: exactly where a single can hold the number, else rounded to nearest
    /// even, with doubles beyond the range of a single becoming infinite. BOOL becomes 0 or 1. No page of the file becomes part of
    /// the process's memory.
    /// </summary>
    /// <param name="name">The tensor.</param>
    /// <param name="first">The index of the first element, in row-major order.</param>
    /// <param name="destination">Receives as many elements as it is long.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range reaches beyond the tensor.</exception>
    /// <exception cref="InvalidFileException">
    /// The elements are no real numbers of whole bytes: C64, F4, F6_E2M3 or F6_E3M2.
    /// </exception>
    public void Read(string name, long first, Span<float> destination)
    {
        SafetensorsEntry entry = Entry(name);
        ElementType type = entry.Info.Type;
        if (!ElementReader.CanRead(type))
            throw new InvalidFileException(Path, SafetensorsRules.NotANumber, $"elements of type {type} cannot be read as single numbers",
                "Convert the checkpoint to F32, F16 or BF16", name);
        CheckRange(first, destination.Length, entry.Bytes / type.Size());
        if (_memory is not MappedFile)
        {
            ElementReader.ToSingle(type, _data + entry.Begin + first * type.Size(), destination);
            return;
        }
        int most = (int)Math.Min(PieceBytes / type.Size(), (long)destination.Length);
        using var buffer = new PooledArray<byte>(most * type.Size());
        for (long position = _dataPosition + entry.Begin + first * type.Size(); !destination.IsEmpty;)
        {
            int count = Math.Min(most, destination.Length), bytes = count * type.Size();
            ReadFromFile(name, position, buffer.Span[..bytes]);
            Touch.Range<byte>(buffer.Span, 0, bytes);
            fixed (byte* source = buffer.Span)
                ElementReader.ToSingle(type, source, destination[..count]);
            destination = destination[count..];
            position += bytes;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        if (_handle.IsValueCreated)
            _handle.Value.Dispose();
        _memory.Dispose();
    }

    /// <summary>Opens a file that is in memory. The bytes must not change while it is open.</summary>
    internal static SafetensorsFile Open(ReadOnlyMemory<byte> file, string path)
    {
        if (file.IsEmpty)
            throw new InvalidFileException(path, FileRules.FileEmpty, "the file is empty", InputFile.Again);
        MemoryHandle pin = file.Pin();
        try
        {
            return new SafetensorsFile(path, (byte*)pin.Pointer, file.Length, pin);
        }
        catch
        {
            pin.Dispose();
            throw;
        }
    }

    private static long HeaderBytes(string path, byte* start, long length)
    {
        if (length < 8)
            throw new InvalidFileException(path, SafetensorsRules.HeaderSizeMissing,
                $"the file is {length} bytes long, too short for the size of a header", InputFile.Again);
        ulong header = BinaryPrimitives.ReadUInt64LittleEndian(new ReadOnlySpan<byte>(start, 8));
        if (new ReadOnlySpan<byte>(start, 8).SequenceEqual("version "u8))
            throw new InvalidFileException(path, SafetensorsRules.HeaderTooLarge,
                "the file is text, most likely a Git LFS pointer in place of the tensors", "Fetch the file itself with 'git lfs pull'");
        if (header > MaxHeaderBytes)
            throw new InvalidFileException(path, SafetensorsRules.HeaderTooLarge,
                $"the header claims to be {header} bytes long, and at most {MaxHeaderBytes} are read",
                "Check that this is a safetensors file");
        if ((long)header > length - 8)
            throw new InvalidFileException(path, SafetensorsRules.HeaderTruncated,
                $"the header claims to be {header} bytes long, but only {length - 8} follow its size",
                "The file is incomplete. " + InputFile.Again);
        return (long)header;
    }

    /// <summary>The tensors in the order of their data, which must cover the data without overlap or hole.</summary>
    private static TensorInfo[] InOrder(string path, Dictionary<string, SafetensorsEntry> entries, long dataBytes)
    {
        // Tensors without data share a place with the tensor that begins there; they come first, in the order of the header.
        SafetensorsEntry[] ordered = [.. entries.Values.OrderBy(entry => entry.Begin).ThenBy(entry => entry.Bytes)];
        long covered = 0;
        foreach (SafetensorsEntry entry in ordered)
        {
            if (entry.Begin < covered)
                throw new InvalidFileException(path, SafetensorsRules.TensorOverlap,
                    $"its data begin at {entry.Begin}, inside those of another tensor, which end at {covered}", InputFile.Compare,
                    entry.Info.Name);
            if (entry.Begin > covered)
                throw new InvalidFileException(path, SafetensorsRules.DataHole,
                    $"the {entry.Begin - covered} bytes before its data belong to no tensor", InputFile.Compare, entry.Info.Name);
            covered = entry.Begin + entry.Bytes;
        }
        if (covered < dataBytes)
            throw new InvalidFileException(path, SafetensorsRules.TrailingBytes, $"{dataBytes - covered} bytes follow the last tensor",
                "Save the model again, or cut them off: another download of a file that was published with them has them too");
        return Array.ConvertAll(ordered, entry => entry.Info);
    }

    private void ReadFromFile(string name, long position, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            int count = RandomAccess.Read(_handle.Value, destination, position);
            if (count == 0)
                throw new InvalidFileException(Path, FileRules.FileUnreadable, "the file has become shorter", InputFile.Again, name);
            destination = destination[count..];
            position += count;
        }
    }

    private static void CheckRange(long first, int length, long total)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, total - length);
    }

    private SafetensorsEntry Entry(string name)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _entries.TryGetValue(name, out SafetensorsEntry entry) ? entry
            : throw new InvalidFileException(Path, SafetensorsRules.TensorMissing, "the file has no such tensor",
                "Check that the file belongs to this model", name);
    }
}
