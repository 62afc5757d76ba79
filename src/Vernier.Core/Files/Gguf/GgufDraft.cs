using Microsoft.Win32.SafeHandles;

namespace Vernier.Files.Gguf;

/// <summary>
/// A GGUF file while it comes into being: every tensor has its place from the beginning, is written in any order and by any thread, and can
/// be read as
/// soon as it is written. The file has its name at once, so that must be one that nobody takes for finished. A draft that an earlier run
/// has left is continued.
/// The same metadata, tensors and data give the bytes that a <see cref="GgufWriter"/> gives.
/// </summary>
public sealed class GgufDraft
{
    private readonly string _path;
    private readonly Dictionary<string, (long Position, long Bytes)> _places = new(StringComparer.Ordinal);

    /// <summary>Reserves the space on the disk and writes what stands before the data.</summary>
    /// <param name="path">The file. What it holds is kept where it is a draft of the same metadata and tensors.</param>
    /// <param name="metadata">The pairs, in the order in which they are written; <c>general.alignment</c> among them counts.</param>
    /// <param name="tensors">The tensors in the order in which they lie in the file.</param>
    /// <exception cref="ArgumentException">A key, a name, a value or a shape breaks a rule of the format.</exception>
    /// <exception cref="IOException">The folder is missing, or the disk has no room.</exception>
    public GgufDraft(string path, IEnumerable<KeyValuePair<string, GgufValue>> metadata, IReadOnlyList<GgufTensor> tensors)
    {
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException("GGUF files are little-endian and are written only on little-endian machines.");
        byte[] header = GgufWriter.Header(metadata, tensors, out int alignment, out long dataBytes).ToArray();
        long position = GgufFile.Align(header.Length, alignment);
        (_path, Size) = (path, position + dataBytes);
        foreach (GgufTensor tensor in tensors)
        {
            _places[tensor.Name] = (position, tensor.Bytes);
            position = GgufFile.Align(position + tensor.Bytes, alignment);
        }
        if (!IsDraft(header))
            Begin(header);
    }

    /// <summary>The size of the file in bytes.</summary>
    public long Size { get; }

    /// <summary>Writes bytes of a tensor.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="firstByte">Where they belong, from the beginning of the tensor.</param>
    /// <param name="bytes">The bytes, row-major.</param>
    /// <exception cref="ArgumentOutOfRangeException">They reach beyond the tensor.</exception>
    /// <exception cref="IOException">The disk can't be written.</exception>
    public void Write(string name, long firstByte, ReadOnlySpan<byte> bytes)
    {
        long position = Place(name, firstByte, bytes.Length);
        using SafeFileHandle file = File.OpenHandle(_path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        OutputFile.Write(file, _path, bytes, position);
    }

    /// <summary>Reads bytes of a tensor. What was not written has any content.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="firstByte">Where they begin, from the beginning of the tensor.</param>
    /// <param name="bytes">Receives as many bytes as it is long.</param>
    /// <exception cref="ArgumentOutOfRangeException">They reach beyond the tensor.</exception>
    /// <exception cref="IOException">The disk can't be read, or others have changed the file.</exception>
    public void Read(string name, long firstByte, Span<byte> bytes)
    {
        long position = Place(name, firstByte, bytes.Length);
        using SafeFileHandle file = File.OpenHandle(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        while (!bytes.IsEmpty)
        {
            int count = RandomAccess.Read(file, bytes, position);
            if (count == 0)
                throw new IOException($"{_path}: the file has become shorter while it was in use.");
            bytes = bytes[count..];
            position += count;
        }
    }

    /// <summary>Brings what is written to the disk.</summary>
    /// <exception cref="IOException">The disk can't be written.</exception>
    public void Flush()
    {
        using SafeFileHandle file = File.OpenHandle(_path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        RandomAccess.FlushToDisk(file);
    }

    private long Place(string name, long firstByte, int count)
    {
        (long position, long bytes) = _places[name];
        ArgumentOutOfRangeException.ThrowIfNegative(firstByte);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstByte, bytes - count);
        return position + firstByte;
    }

    private bool IsDraft(byte[] header)
    {
        if (!File.Exists(_path))
            return false;
        using SafeFileHandle file = File.OpenHandle(_path);
        var there = new byte[header.Length];
        return RandomAccess.GetLength(file) == Size && RandomAccess.Read(file, there, 0) == there.Length
            && there.AsSpan().SequenceEqual(header);
    }

    private void Begin(byte[] header)
    {
        using SafeFileHandle file = OutputFile.Create(_path, Size);
        OutputFile.Write(file, _path, header, 0);
    }
}
