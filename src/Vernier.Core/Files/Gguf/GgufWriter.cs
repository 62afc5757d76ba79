using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Vernier.Files.Gguf;

/// <summary>
/// Writes a GGUF file, version 3, of known tensors, one after the other in pieces of any size, so that no tensor need be in memory. The
/// file appears
/// under its name only when it is whole: until <see cref="Complete"/> it is the file <c>path.partial</c>, which is removed if the writer is
/// disposed before. The same metadata, tensors and data give the same bytes.
/// </summary>
public sealed class GgufWriter : IDisposable
{
    private const int BufferBytes = 1 << 20;

    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly string _path;
    private readonly string _partial;
    private readonly GgufTensor[] _tensors;
    private readonly int _alignment;
    private readonly FileStream _stream;
    private int _tensor = -1;
    private long _left;
    private bool _complete;

    /// <summary>Reserves the space on the disk and writes what stands before the data.</summary>
    /// <param name="path">The file to write; an existing file is replaced on completion.</param>
    /// <param name="metadata">The pairs, in the order in which they are written; <c>general.alignment</c> among them counts.</param>
    /// <param name="tensors">The tensors in the order in which they will be written.</param>
    /// <exception cref="ArgumentException">A key, a name, a value or a shape breaks a rule of the format.</exception>
    /// <exception cref="IOException">The folder is missing, the disk has no room, or another writer is at the same file.</exception>
    public GgufWriter(string path, IEnumerable<KeyValuePair<string, GgufValue>> metadata, IReadOnlyList<GgufTensor> tensors)
    {
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException("GGUF files are little-endian and are written only on little-endian machines.");
        ReadOnlySpan<byte> header = Header(metadata, tensors, out _alignment, out long dataBytes);
        _tensors = [.. tensors];
        Size = GgufFile.Align(header.Length, _alignment) + dataBytes;
        _path = path;
        _partial = path + ".partial";
        _stream = new FileStream(_partial, new FileStreamOptions {
            Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.None, BufferSize = BufferBytes,
            PreallocationSize = Size });
        try
        {
            _stream.Write(header);
            Advance();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The size of the finished file in bytes.</summary>
    public long Size { get; }

    /// <summary>The tensor that the next byte belongs to, or null when all are written. Tensors without data are skipped.</summary>
    public GgufTensor? Current => _tensor < _tensors.Length ? _tensors[_tensor] : null;

    /// <summary>The exact size of a file in bytes, before anything is written.</summary>
    /// <param name="metadata">The pairs.</param>
    /// <param name="tensors">The tensors.</param>
    /// <exception cref="ArgumentException">As for the constructor.</exception>
    public static long SizeOf(IEnumerable<KeyValuePair<string, GgufValue>> metadata, IReadOnlyList<GgufTensor> tensors) =>
        GgufFile.Align(Header(metadata, tensors, out int alignment, out long dataBytes).Length, alignment) + dataBytes;

    /// <summary>Writes the next bytes of <see cref="Current"/>, row-major.</summary>
    /// <param name="bytes">A piece of the current tensor; it may end anywhere but not reach into the next tensor.</param>
    /// <exception cref="InvalidOperationException">The bytes are more than the tensor lacks, or all tensors are written.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return;
        ObjectDisposedException.ThrowIf(!_stream.CanWrite, this);
        if (Current is not GgufTensor tensor)
            throw new InvalidOperationException($"{_path}: all tensors are written already.");
        if (bytes.Length > _left)
            throw new InvalidOperationException($"{_path}: tensor '{tensor.Name}' lacks {_left} bytes, but {bytes.Length} were given.");
        _stream.Write(bytes);
        _left -= bytes.Length;
        if (_left == 0)
            Advance();
    }

    /// <summary>As <see cref="Write(ReadOnlySpan{byte})"/>, for a caller that says which tensor the bytes belong to.</summary>
    /// <param name="name">The tensor, which must be the current one unless there are no bytes.</param>
    /// <param name="bytes">A piece of the tensor.</param>
    /// <exception cref="InvalidOperationException">It is another tensor's turn.</exception>
    public void Write(string name, ReadOnlySpan<byte> bytes)
    {
        if (!bytes.IsEmpty && !string.Equals(name, Current?.Name, StringComparison.Ordinal))
            throw new InvalidOperationException($"{_path}: tensor '{name}' was given, but '{Current?.Name}' comes next.");
        Write(bytes);
    }

    /// <summary>Brings all bytes to the disk and gives the file its name, in one step.</summary>
    /// <exception cref="InvalidOperationException">A tensor is not whole.</exception>
    public void Complete()
    {
        if (Current is GgufTensor tensor)
            throw new InvalidOperationException($"{_path}: tensor '{tensor.Name}' lacks {_left} bytes.");
        _stream.Flush(flushToDisk: true);
        _stream.Dispose();
        File.Move(_partial, _path, overwrite: true);
        _complete = true;
    }

    /// <summary>Closes the file, and removes it unless it is complete.</summary>
    public void Dispose()
    {
        if (_complete)
            return;
        _complete = true;
        try
        {
            _stream.Dispose();
        }
        finally
        {
            File.Delete(_partial);
        }
    }

    private void Advance()
    {
        do
        {
            // The data of every tensor begin, and the file ends, at a multiple of the alignment.
            Pad(_stream.Position);
            _tensor++;
            _left = Current?.Bytes ?? 0;
        }
        while (_left == 0 && Current is not null);
    }

    private void Pad(long position)
    {
        for (long left = GgufFile.Align(position, _alignment) - position; left > 0; left--)
            _stream.WriteByte(0);
    }

    internal static ReadOnlySpan<byte> Header(
        IEnumerable<KeyValuePair<string, GgufValue>> metadata, IReadOnlyList<GgufTensor> tensors, out int alignment, out long dataBytes)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        ArgumentNullException.ThrowIfNull(tensors);
        KeyValuePair<string, GgufValue>[] pairs = [.. metadata];
        var buffer = new ArrayBufferWriter<byte>();
        buffer.Write("GGUF"u8);
        WriteUInt32(buffer, 3);
        WriteUInt64(buffer, (ulong)tensors.Count);
        WriteUInt64(buffer, (ulong)pairs.Length);
        alignment = GgufFile.DefaultAlignment;
        var keys = new HashSet<string>(StringComparer.Ordinal);
        foreach ((string key, GgufValue value) in pairs)
        {
            if (!keys.Add(key))
                throw new ArgumentException($"The key '{key}' stands twice.", nameof(metadata));
            WriteText(buffer, key, 1, GgufFile.MaxKeyBytes, nameof(metadata));
            WriteUInt32(buffer, (uint)value.Type);
            WriteValue(buffer, key, value, 0);
            if (key != GgufFile.AlignmentKey)
                continue;
            alignment = value.Data is uint number and >= 8 and <= GgufFile.MaxAlignment && uint.IsPow2(number) ? (int)number
                : throw new ArgumentException($"{key} is {value}, not a power of two from 8 to {GgufFile.MaxAlignment}.", nameof(metadata));
        }
        var names = new HashSet<string>(StringComparer.Ordinal);
        dataBytes = 0;
        foreach (GgufTensor tensor in tensors)
        {
            if (!names.Add(tensor.Name))
                throw new ArgumentException($"Two tensors have the name '{tensor.Name}'.", nameof(tensors));
            if (tensor.Shape.Count > GgufFile.MaxRank || tensor.Shape.Any(dimension => dimension < 0)
                || tensor.Columns % tensor.Type.BlockColumns != 0)
                throw new ArgumentException(
                    $"Tensor '{tensor.Name}' of [{string.Join(',', tensor.Shape)}] cannot be written as {tensor.Type}.", nameof(tensors));
            WriteText(buffer, tensor.Name, 1, GgufFile.MaxNameBytes, nameof(tensors));
            WriteUInt32(buffer, (uint)tensor.Shape.Count);
            foreach (long dimension in tensor.Shape.Reverse())
                WriteUInt64(buffer, (ulong)dimension);
            WriteUInt32(buffer, (uint)tensor.Type.Id);
            WriteUInt64(buffer, (ulong)dataBytes);
            dataBytes = GgufFile.Align(checked(dataBytes + tensor.Bytes), alignment);
        }
        return buffer.WrittenSpan;
    }

    private static void WriteValue(ArrayBufferWriter<byte> buffer, string key, GgufValue value, int depth)
    {
        switch (value.Data)
        {
            case string text:
                WriteText(buffer, text, 0, int.MaxValue, key);
                break;
            case Array items:
                if (depth == GgufFile.MaxArrayDepth)
                    throw new ArgumentException($"The arrays of '{key}' are nested deeper than {GgufFile.MaxArrayDepth} levels.",
                        nameof(value));
                WriteUInt32(buffer, (uint)value.ElementType!.Value);
                WriteUInt64(buffer, (ulong)items.Length);
                WriteItems(buffer, key, items, depth);
                break;
            default:
                WriteItems(buffer, key, new[] { value.Data }, depth);
                break;
        }
    }

    private static void WriteItems(ArrayBufferWriter<byte> buffer, string key, Array items, int depth)
    {
        switch (items)
        {
            case string[] texts:
                foreach (string text in texts)
                    WriteText(buffer, text, 0, int.MaxValue, key);
                break;
            case GgufValue[] arrays:
                foreach (GgufValue array in arrays)
                    WriteValue(buffer, key, array, depth + 1);
                break;
            case bool[] flags:
                foreach (bool flag in flags)
                    buffer.Write([(byte)(flag ? 1 : 0)]);
                break;
            case object[] boxed:
                WriteScalar(buffer, boxed[0]);
                break;
            default:
                int bytes = Buffer.ByteLength(items);
                buffer.Write(MemoryMarshal.CreateReadOnlySpan(ref MemoryMarshal.GetArrayDataReference(items), bytes));
                break;
        }
    }

    private static void WriteScalar(ArrayBufferWriter<byte> buffer, object value)
    {
        switch (value)
        {
            case byte x:
                buffer.Write([x]);
                break;
            case sbyte x:
                buffer.Write([(byte)x]);
                break;
            case bool x:
                buffer.Write([(byte)(x ? 1 : 0)]);
                break;
            case ushort x:
                Write(buffer, x);
                break;
            case short x:
                Write(buffer, x);
                break;
            case uint x:
                Write(buffer, x);
                break;
            case int x:
                Write(buffer, x);
                break;
            case float x:
                Write(buffer, x);
                break;
            case ulong x:
                Write(buffer, x);
                break;
            case long x:
                Write(buffer, x);
                break;
            default:
                Write(buffer, (double)value);
                break;
        }
    }

    private static void Write<T>(ArrayBufferWriter<byte> buffer, T value)
        where T : unmanaged
    {
        MemoryMarshal.Write(buffer.GetSpan(Unsafe.SizeOf<T>()), value);
        buffer.Advance(Unsafe.SizeOf<T>());
    }

    private static void WriteText(ArrayBufferWriter<byte> buffer, string text, int least, int most, string what)
    {
        byte[] bytes;
        try
        {
            bytes = s_strict.GetBytes(text);
        }
        catch (EncoderFallbackException e)
        {
            throw new ArgumentException($"'{text}' cannot be written: it has half of a surrogate pair.", what, e);
        }
        if (bytes.Length < least || bytes.Length > most)
            throw new ArgumentException($"'{text}' has {bytes.Length} bytes, not {least} to {most}.", what);
        WriteUInt64(buffer, (ulong)bytes.Length);
        buffer.Write(bytes);
    }

    private static void WriteUInt32(ArrayBufferWriter<byte> buffer, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(buffer.GetSpan(4), value);
        buffer.Advance(4);
    }

    private static void WriteUInt64(ArrayBufferWriter<byte> buffer, ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(buffer.GetSpan(8), value);
        buffer.Advance(8);
    }
}
